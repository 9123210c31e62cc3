"""Matrix products on the device: cuBLAS by ctypes; NumPy in the simulator, on the same addresses.

cuBLAS reads matrices column by column: the row-major C = A B is to it C^T = B^T A^T.
"""

import ctypes
import functools
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from .arrays import address
from .target import INSTALL, SIMULATOR

STRICT, TF32 = 0, 3  # cuBLAS' math modes: float32 throughout, or factors rounded to 10 bits for the tensor cores


class Matrix(NamedTuple):
    """Rows of numbers on the device, `stride` numbers apart."""

    at: int
    rows: int
    columns: int
    stride: int
    dtype: np.dtype

    def block(self, start, columns):
        """Some of the columns."""
        return self._replace(at=self.at + start * self.dtype.itemsize, columns=columns)

    def part(self, start, rows):
        """Some of the rows."""
        return self._replace(at=self.at + start * self.stride * self.dtype.itemsize, rows=rows)


def matrix(array, columns=None):
    """A contiguous device array as matrix whose rows are its last axis, or `columns` numbers."""
    columns = columns or tuple(array.shape)[-1]
    return Matrix(address(array), array.size // columns, columns, columns, np.dtype(array.dtype))


def multiply(a, b, c, add=False, turn_a=False, turn_b=False, mode=STRICT):
    """c = a b, or c += a b with `add`; a^T, b^T in their place where turned. The same bits in every run."""
    if c.rows and c.columns:
        (_multiply_in_numpy if SIMULATOR else _multiply)(a, b, c, add, turn_a, turn_b, mode)


def _multiply(a, b, c, add, turn_a, turn_b, mode):
    library, handle = connection(mode)
    name, real = ("cublasSgemm_v2", ctypes.c_float) if c.dtype == np.float32 else ("cublasDgemm_v2", ctypes.c_double)
    inner = a.rows if turn_a else a.columns
    sizes, factors = (c.columns, c.rows, inner), (ctypes.byref(real(1)), ctypes.byref(real(add)))  # of product and c
    check(
        getattr(library, name)(
            *(handle, int(turn_b), int(turn_a), *sizes, factors[0]),
            *(b.at, b.stride, a.at, a.stride, factors[1], c.at, c.stride),
        )
    )


@functools.cache
def connection(mode):
    """The library and a handle for a math mode; sums are never split by atomics, which cuBLAS only does when asked."""
    library, handle = load(), ctypes.c_void_p()
    check(library.cublasCreate_v2(ctypes.byref(handle)))
    check(library.cublasSetMathMode(handle, mode))
    return library, handle


@functools.cache
def load():
    try:
        from cuda import pathfinder

        library = ctypes.CDLL(pathfinder.load_nvidia_dynamic_lib("cublas").abs_path)
    except Exception as reason:  # pathfinder has its own errors
        raise InputError(INSTALL) from reason
    address, integer = ctypes.c_void_p, ctypes.c_int
    library.cublasCreate_v2.argtypes = [ctypes.POINTER(address)]
    library.cublasSetMathMode.argtypes = [address, integer]
    for function in (library.cublasSgemm_v2, library.cublasDgemm_v2):
        function.argtypes = [address, *[integer] * 5, *[address, address, integer] * 2, address, address, integer]
    return library


def check(status):
    if status:
        raise RuntimeError(f"cuBLAS: status {status}")


def _multiply_in_numpy(a, b, c, add, turn_a, turn_b, mode):
    a, b, c = map(_memory, (a, b, c))
    product = (a.T if turn_a else a) @ (b.T if turn_b else b)
    c[:] = c + product if add else product


def _memory(m):
    size = ((m.rows - 1) * m.stride + m.columns) * m.dtype.itemsize if m.rows and m.columns else 0
    memory = (ctypes.c_char * size).from_address(m.at)
    return np.ndarray((m.rows, m.columns), m.dtype, memory, strides=(m.stride * m.dtype.itemsize, m.dtype.itemsize))
