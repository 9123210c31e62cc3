"""A large affine map runs on the cells' kernels, a small one in NumPy: the same numbers."""

import numpy as np
import pytest

from numbarnn import affine


@pytest.mark.parametrize("dtype,bound", [("float64", 1e-13), ("float32", 2e-6)])
@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("turned", [True, False])
def test_the_kernels_compute_what_numpy_does(dtype, bound, biased, turned, monkeypatch):
    rng = np.random.default_rng(0)
    x, d_z = (rng.standard_normal((17, 23, n)).astype(dtype) for n in (37, 21))
    kernel, bias = (rng.standard_normal(shape).astype(dtype) for shape in ((37, 21), 21))
    x, d_z = (a.swapaxes(0, 1) if turned else a for a in (x, d_z))  # no single matrix of rows

    def results():
        backward, z, y = affine.forward(x, kernel, bias if biased else None, "tanh")
        return z, y, *backward(d_z), *backward(d_z)

    assert x[..., 0].size * kernel.size > affine.ALONE
    large = results()
    monkeypatch.setattr(affine, "ALONE", 1 << 30)
    for a, b in zip(large, results(), strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype == dtype
        assert np.abs(a - b).max() <= bound * np.abs(b).max()
