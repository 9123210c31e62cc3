"""The product kernel alone: every tile, strides that the compiler knows and others, against NumPy."""

import ctypes
from itertools import product

import numpy as np
import pytest

from numbarnn.engines.cpu.gemm import product_kernel
from numbarnn.runtime.simd import BYTES

# Axes [i, k, o], the innermost first: row or vector, and the two of the terms.
ORDERS = {"terms side by side": (1, 0, 2), "rows side by side": (0, 1, 2), "gaps": (1, 0, 2)}
ROWS, TERMS = (1, 2, 3, 4, 5, 7, 8, 12, 16, 19), ((1, 1), (2, 1), (2, 3), (5, 2), (6, 4), (0, 1))


def laid_out(kind, sizes, width, dtype, rng):
    """Numbers [i, k, o, width] in a larger memory of NaN; (the view, its strides in numbers)."""
    spare = 2 if kind == "gaps" else 1
    strides, step = [0, 0, 0], width * spare
    for axis in ORDERS[kind]:
        strides[axis] = step
        step *= sizes[axis] + 1
    memory = np.full(step + width, np.nan, dtype)
    view = np.lib.stride_tricks.as_strided(memory, (*sizes, width), [s * memory.itemsize for s in (*strides, 1)])
    view[...] = rng.standard_normal(view.shape)
    return view, strides


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("of_b", ORDERS)
@pytest.mark.parametrize("of_a", ORDERS)
def test_product(of_a, of_b, dtype):
    rng, V = np.random.default_rng(0), BYTES // np.dtype(dtype).itemsize
    kernel = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 18)(product_kernel(dtype))
    for rows, vectors, (inner, outer) in product(ROWS, (1, 2, 3, 4), TERMS):
        a, a_strides = laid_out(of_a, (rows, inner, outer), 1, dtype, rng)
        b, b_strides = laid_out(of_b, (vectors, inner, outer), V, dtype, rng)
        start, (row, vector, _) = laid_out("gaps", (rows, vectors, 1), V, dtype, rng)
        out = np.full((rows, vectors + 1, V), np.nan, dtype)
        places = out.ctypes.data, (vectors + 1) * V, V, start.ctypes.data, row, vector
        kernel(*places, a.ctypes.data, *a_strides, b.ctypes.data, *b_strides, inner, outer, rows, vectors)
        wide = [x.astype(np.longdouble) for x in (start[:, :, 0], a[..., 0], b)]
        expected = wide[0] + np.einsum("rko,vkol->rvl", *wide[1:])
        bound = (
            (inner * outer + 1) * np.finfo(dtype).eps * (abs(wide[0]) + np.einsum("rko,vkol->rvl", *map(abs, wide[1:])))
        )
        assert (abs(out[:, :-1] - expected) <= bound).all(), (rows, vectors, inner, outer)
        assert np.isnan(out[:, -1]).all()
