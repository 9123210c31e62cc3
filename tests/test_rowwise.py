"""Rows of arrays: a function of numbers with tails, strides, arrays that are the same in each row; products."""

import numpy as np
import pytest
from numba.extending import register_jitable

from numbarnn.maths import tanh
from numbarnn.rowwise import apply, product


@register_jitable
def function(a, b):
    return (a[0] + b[0] * a[1],), (tanh(a[0]), a[1], b[0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [1, 5, 16, 37])
@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_apply(device, n, dtype):
    rng = np.random.default_rng(n)
    wide = rng.standard_normal((6, 3, 2 * n)).astype(dtype)
    a, b = (wide[::2, 0, :n], wide[::2, 2, n:]), (wide[0, 1, :n],)
    made = np.full((5, 4, n + 2), 7, dtype)
    rows = made[1:4, :, 1:-1]  # what stands around them stays
    apply(function, device, (a, b), ((rows[:, 0],), tuple(rows[:, 1:].swapaxes(0, 1))))
    expected = a[0] + b[0] * a[1], np.tanh(a[0]), a[1], np.broadcast_to(b[0], (3, n))
    bound = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(rows.swapaxes(0, 1), expected, rtol=bound, atol=bound)
    made[1:4, :, 1:-1] = 7
    assert (made == 7).all()


@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_no_rows(device):
    nothing = np.empty((0, 4))
    apply(function, device, ((nothing, nothing), (np.ones(4),)), ((nothing,), (nothing,) * 3))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("rows", "inner", "columns"), [(0, 3, 4), (1, 1, 1), (7, 5, 37), (70, 33, 150), (130, 90, 128)]
)
@pytest.mark.parametrize("device", ["numpy", "cpu"])
def test_product(device, rows, inner, columns, dtype):
    rng = np.random.default_rng(rows)
    a, b = rng.standard_normal((rows, inner + 3)).astype(dtype), rng.standard_normal((columns, inner)).astype(dtype).T
    times = product(b, device)
    for part in (a[:, 1:-2], a[::-1, :inner]):
        made = times(part)
        expected = part.astype("float64") @ b.astype("float64")
        assert made.shape == (rows, columns) and made.dtype == dtype
        np.testing.assert_allclose(made, expected, rtol=0, atol=inner * np.finfo(dtype).eps * 4)
