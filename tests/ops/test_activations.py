"""Activations of whole arrays, as layers and wrappers use them."""

import numpy as np
import pytest

import numbarnn as nr
from numbarnn.ops import activations


@pytest.mark.parametrize("dtype", ("float32", "float64"))
@pytest.mark.parametrize("name", [*activations.NAMES, nr.activations.LeakyReLU(0.3), nr.activations.Affine(0.7, -1)])
def test_gradient_is_that_of_central_differences_and_keeps_the_dtype(name, dtype):
    rng = np.random.default_rng(0)
    x, d_y, direction = rng.standard_normal((3, 5, 7, 4))[:, :5]
    value = lambda step: (activations.apply(name, x + step * direction) * d_y).sum()  # noqa: E731
    expected = (value(1e-6) - value(-1e-6)) / 2e-6
    x, d_y = x.astype(dtype), d_y.astype(dtype)
    gradient = activations.gradient(name, x, activations.apply(name, x), d_y)
    assert gradient.dtype == dtype
    assert (gradient * direction).sum() == pytest.approx(expected, rel=1e-5, abs=1e-5)
