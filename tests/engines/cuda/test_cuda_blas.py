"""Matrix products: NumPy's in the simulator, and what cuBLAS is told, against a cuBLAS of a few lines."""

import ctypes
import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from numbarnn.engines.cuda import blas
from numbarnn.engines.cuda.blas import Matrix


class ColumnMajor:
    """C = alpha op(A) op(B) + beta C for matrices whose columns are `ld` numbers apart, as cuBLAS defines it."""

    def cublasSgemm_v2(self, *arguments):
        self._gemm(np.float32, *arguments)

    def cublasDgemm_v2(self, *arguments):
        self._gemm(np.float64, *arguments)

    def _gemm(self, dtype, *arguments):
        for kind, argument in zip(blas.PRODUCT, arguments, strict=True):
            kind.from_param(argument)  # cuBLAS would take it
        values = [getattr(argument, "value", argument) for argument in arguments]
        _, turn_a, turn_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc = values

        def columns(at, rows, count, ld):
            assert ld >= rows
            memory = (ctypes.c_char * (((count - 1) * ld + rows) * dtype().itemsize)).from_address(at)
            return np.ndarray((rows, count), dtype, memory, strides=(dtype().itemsize, ld * dtype().itemsize))

        A = columns(a, *((k, m) if turn_a else (m, k)), lda)
        B = columns(b, *((n, k) if turn_b else (k, n)), ldb)
        C = columns(c, m, n, ldc)
        C[:] = alpha._obj.value * (A.T if turn_a else A) @ (B.T if turn_b else B) + beta._obj.value * C


def block_of(array, columns):
    """The middle columns of an array, as a Matrix."""
    whole = Matrix(array.ctypes.data, *array.shape, array.shape[1], array.dtype)
    return whole.block(2, columns).part(1, array.shape[0] - 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("turn_a, turn_b, add", list(itertools.product([False, True], repeat=3)))
def test_cublas_is_told_the_row_major_product(monkeypatch, turn_a, turn_b, add, dtype):
    rng, (m, n, k) = np.random.default_rng(0), (3, 5, 4)
    padded = lambda rows, columns: rng.standard_normal((rows + 2, columns + 3)).astype(dtype)  # noqa: E731
    a, b, c = padded(*((k, m) if turn_a else (m, k))), padded(*((n, k) if turn_b else (k, n))), padded(m, n)
    matrices = [block_of(x, x.shape[1] - 3) for x in (a, b, c)]
    inner = [x[1:-1, 2:-1] for x in (a, b, c)]
    expected = c.copy()
    product = (inner[0].T if turn_a else inner[0]) @ (inner[1].T if turn_b else inner[1])
    expected[1:-1, 2:-1] = product + (inner[2] if add else 0)
    before = c.copy()

    monkeypatch.setattr(blas, "connection", lambda mode: (ColumnMajor(), None))
    blas._by_cublas(*matrices, add, turn_a, turn_b, blas.STRICT)()
    assert_allclose(c, expected, rtol=1e-6)
    c[:] = before
    blas._in_numpy(*matrices, add, turn_a, turn_b, blas.STRICT)()
    assert_allclose(c, expected, rtol=1e-6)
    assert_array_equal(c[:, :2], before[:, :2])


@pytest.mark.parametrize("make", [blas._by_cublas, blas._in_numpy])
def test_from_other_rows(monkeypatch, make):
    """Of three steps, the one that is asked for."""
    monkeypatch.setattr(blas, "connection", lambda mode: (ColumnMajor(), None))
    rng = np.random.default_rng(0)
    a, b, c = (rng.standard_normal(shape) for shape in ((3, 2, 5), (5, 4), (3, 2, 4)))
    whole = [Matrix(x.ctypes.data, 2 if x.ndim == 3 else 5, x.shape[-1], x.shape[-1], x.dtype) for x in (a, b, c)]
    expected = c.copy()
    expected[1] = a[2] @ b
    make(*whole, False, False, False, blas.STRICT)(4, 2)
    assert_allclose(c, expected, rtol=1e-12)
