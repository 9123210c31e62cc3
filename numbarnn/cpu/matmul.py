"""Products of arrays with one matrix, by the product kernel of the cells and on Numba's threads."""

import functools

import numpy as np
from numba import types

from .call import invoke
from .compile import compiled
from .memory import WHOLE, address, ahead, get, lanes, pointer
from .products import product_kernel
from .simd import BYTES, INTP, Static
from .threads import run, threads_for
from .tiles import WIDEST
from .weights import share


@functools.cache
def kernel(dtype):
    """Address of the kernel that multiplies a share of the rows, as many vectors at a time as a tile has."""
    real = Static(dtype)

    def matmul(stage, shard, shards, here):
        n = pointer(WHOLE, here)
        product, rows, inner, vectors, a_row, out_row = get(n, 0), get(n, 1), get(n, 2), get(n, 3), get(n, 4), get(n, 5)
        a, b, out, zeros = pointer(real, get(n, 6)), pointer(real, get(n, 7)), pointer(real, get(n, 8)), get(n, 9)
        V, (lo, hi) = lanes(out), share(rows, shard, shards)
        for v in range(0, vectors, WIDEST):
            to, panel = address(ahead(out, lo * out_row + v * V)), address(ahead(b, v * V * inner))
            left = (address(ahead(a, lo * a_row)), a_row, 1, 0)
            sizes = (inner, 1, hi - lo, min(WIDEST, vectors - v))
            invoke(product, (to, out_row, V, zeros, 0, 0, *left, panel, V, WIDEST * V, 0, *sizes))

    return compiled(types.void(*[INTP] * 4), matmul)


class Product:
    """a -> a @ matrix, for the same matrix many times: it is laid out in panels once."""

    def __init__(self, matrix):
        inner, self.columns = matrix.shape
        V = BYTES // matrix.itemsize
        self.vectors, width = -(-self.columns // V), WIDEST * V
        panels = np.zeros((inner, -(-self.columns // width) * width), matrix.dtype)
        panels[:, : self.columns] = matrix
        self.panels = np.ascontiguousarray(panels.reshape(inner, -1, width).swapaxes(0, 1))
        self.zeros = np.zeros(V, matrix.dtype)

    def __call__(self, a):
        """a (rows, n) with neighbours of a row side by side; rows of the result may be further apart than its columns
        say."""
        dtype, (rows, inner) = self.panels.dtype, a.shape
        out = np.empty((rows, self.vectors * self.zeros.size), dtype)
        sizes = rows, inner, self.vectors, a.strides[0] // a.itemsize, out.shape[1]
        arrays = (array.__array_interface__["data"][0] for array in (a, self.panels, out, self.zeros))
        told = np.array([product_kernel(dtype.name), *sizes, *arrays], np.intp)
        threads = threads_for(rows * inner * self.columns)
        run(kernel(dtype.name), 1, 0, threads, threads, told.__array_interface__["data"][0])
        return out[:, : self.columns]
