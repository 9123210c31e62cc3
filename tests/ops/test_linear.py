"""A large affine map runs on the cells' kernels, a small one in NumPy: the same numbers."""

import numba
import numpy as np
import pytest

from numbarnn.ops import linear as affine
from numbarnn.ops import linear_kernels as kernels


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


@pytest.mark.parametrize("sizes", [(1, 3, 5), (2, 1, 1), (130, 9, 65), (300, 40, 8), (49, 64, 33), (513, 7, 130)])
@pytest.mark.parametrize("dtype,bound", [("float64", 4e-15), ("float32", 2e-6)])
def test_kernels_of_any_sizes_and_layouts(sizes, dtype, bound):
    """Against extended precision: rows with gaps, every other one, columns first; the same bits on one thread."""
    rows, inputs, outputs = sizes
    rng = np.random.default_rng(1)
    draw = lambda *shape: rng.standard_normal(shape).astype(dtype)  # noqa: E731
    kernel, bias = draw(outputs, inputs).T, draw(2 * outputs)[::2]

    def results(x, dz):
        z, backward = kernels.forward(x, kernel, bias)
        return z, *backward(dz)

    layouts = [
        (draw(rows, inputs + 3)[:, :inputs], draw(rows, outputs)),
        (draw(2 * rows, inputs)[::-2], draw(rows, outputs + 1)[::-1, 1:]),
        (draw(inputs, rows).T, np.broadcast_to(draw(outputs), (rows, outputs))),
    ]
    threads = numba.get_num_threads()
    for x, dz in layouts:
        found = results(x, dz)
        X, W, B, D = (a.astype(np.longdouble) for a in (x, kernel, bias, dz))
        expected = X @ W + B, D @ W.T, X.T @ D, D.sum(axis=0)
        for a, b in zip(found, expected, strict=True):
            assert a.shape == b.shape and a.dtype == dtype
            assert np.abs(a - b).max() <= bound * np.abs(b).max()
        try:
            numba.set_num_threads(1)
            assert all(np.array_equal(a, b) for a, b in zip(results(x, dz), found, strict=True))
        finally:
            numba.set_num_threads(threads)
