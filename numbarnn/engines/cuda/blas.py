"""Matrix products on the device: cuBLAS by ctypes; NumPy in the simulator, on the same addresses.

cuBLAS reads matrices column by column: the row-major C = A B is to it C^T = B^T A^T.
"""

import ctypes
import functools
from typing import NamedTuple

import numpy as np

from ...errors import InputError
from .target import INSTALL, SIMULATOR

POINTER, INTEGER = ctypes.c_void_p, ctypes.c_int
PLACED = POINTER, INTEGER  # a matrix and its stride
PRODUCT = [POINTER, *[INTEGER] * 5, POINTER, *PLACED, *PLACED, POINTER, *PLACED]  # handle, turned, sizes, factors
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
        return Matrix(self.at + start * self.dtype.itemsize, self.rows, columns, self.stride, self.dtype)

    def part(self, start, rows):
        """Some of the rows."""
        at = self.at + start * self.stride * self.dtype.itemsize
        return Matrix(at, rows, self.columns, self.stride, self.dtype)


def matrix(array, columns=None):
    """A contiguous device array as matrix whose rows are its last axis, or `columns` numbers."""
    columns = columns or array.shape[-1]
    return Matrix(array.address, array.size // columns, columns, columns, array.dtype)


def multiply(a, b, c, **options):
    """c = a b, or as `product` says."""
    product(a, b, c, **options)()


def product(a, b, c, add=False, turn_a=False, turn_b=False, mode=STRICT):
    """A function that makes c = a b, or c += a b with `add`; a^T, b^T in their place where turned. It takes the number
    of the row of their arrays where a and c start. The same bits in every run."""
    if not (c.rows and c.columns):
        return lambda a_row=0, c_row=0: None
    return (_in_numpy if SIMULATOR else _by_cublas)(a, b, c, add, turn_a, turn_b, mode)


def _by_cublas(a, b, c, add, turn_a, turn_b, mode):
    library, handle = connection(mode)
    name, real = ("cublasSgemm_v2", ctypes.c_float) if c.dtype == np.float32 else ("cublasDgemm_v2", ctypes.c_double)
    function, alpha, beta = getattr(library, name), ctypes.byref(real(1)), ctypes.byref(real(add))
    inner, size = a.rows if turn_a else a.columns, c.dtype.itemsize
    turned_and_sizes = map(INTEGER, (turn_b, turn_a, c.columns, c.rows, inner))
    before = handle, *turned_and_sizes, alpha, POINTER(b.at), INTEGER(b.stride)  # made once: that takes ctypes long
    a_stride, c_stride = INTEGER(a.stride), INTEGER(c.stride)

    def multiply(a_row=0, c_row=0):
        a_at, c_at = a.at + a_row * a.stride * size, c.at + c_row * c.stride * size
        check(function(*before, a_at, a_stride, beta, c_at, c_stride))

    return multiply


def _in_numpy(a, b, c, add, turn_a, turn_b, mode):
    def multiply(a_row=0, c_row=0):
        left, right, to = _memory(a.part(a_row, a.rows)), _memory(b), _memory(c.part(c_row, c.rows))
        product = (left.T if turn_a else left) @ (right.T if turn_b else right)
        to[:] = to + product if add else product

    return multiply


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
    library.cublasCreate_v2.argtypes = [ctypes.POINTER(POINTER)]
    library.cublasSetMathMode.argtypes = [POINTER, INTEGER]
    library.cublasSgemm_v2.argtypes = library.cublasDgemm_v2.argtypes = PRODUCT
    return library


def check(status):
    if status:
        raise RuntimeError(f"cuBLAS: status {status}")


def _memory(m):
    size = ((m.rows - 1) * m.stride + m.columns) * m.dtype.itemsize if m.rows and m.columns else 0
    memory = (ctypes.c_char * size).from_address(m.at)
    return np.ndarray((m.rows, m.columns), m.dtype, memory, strides=(m.stride * m.dtype.itemsize, m.dtype.itemsize))
