"""Intersection RNN against its equations, differentiated by autograd."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from helpers.problems import assert_close

import numbarnn as nr

T, B, H = 5, 4, 7
MASK = np.random.default_rng(5).random((B, T)) < 0.6
WAYS = [
    ({}, np.ones((B, T), bool)),
    ({"lengths": np.array([3, 0, 5, 1])}, None),
    ({"mask": MASK, "reverse": True}, MASK),
]
PHI = {"relu": lambda z: anp.where(z > 0, z, 0), "tanh": anp.tanh}


def sigmoid(z):
    return 0.5 * (anp.tanh(z / 2) + 1)


def by_steps(cell, params, x, h, mask, reverse):
    outputs = [None] * T
    for t in reversed(range(T)) if reverse else range(T):
        z = x[:, t] @ params["kernel"] + h @ params["recurrent_kernel"] + params["bias"]
        gh, n, gy, u = anp.split(z, 4, axis=1)
        gh, gy = sigmoid(gh + cell.forget_bias), sigmoid(gy + cell.forget_bias)
        y = gy * x[:, t] + (1 - gy) * PHI[cell.y_activation](u)
        valid = mask[:, t, None]
        outputs[t] = anp.where(valid, y, 0)
        h = anp.where(valid, gh * h + (1 - gh) * anp.tanh(n), h)
    return anp.stack(outputs, 1), h


@pytest.mark.parametrize("device", ["numpy", "cpu"])
@pytest.mark.parametrize("options", [{}, {"forget_bias": -0.3, "y_activation": "tanh"}], ids=str)
def test_equals_steps(options, device):
    cell, rng = nr.IntersectionRNNCell(H, **options), np.random.default_rng(0)
    params = {n: p + 0.1 * rng.standard_normal(p.shape) for n, p in cell.init_params(H, dtype="float64").items()}
    x, d_outputs = rng.standard_normal((2, B, T, H))
    h, dh = rng.standard_normal((2, B, H))
    for way, mask in WAYS:
        mask = np.arange(T) < way["lengths"][:, None] if mask is None else mask

        def loss(given, mask=mask, reverse="reverse" in way):
            y, final = by_steps(cell, *given, mask, reverse)
            return anp.sum(y * d_outputs) + anp.sum(final * dh)

        y, final = by_steps(cell, params, x, h, mask, "reverse" in way)
        d_params, dx, d_first = grad(loss)((params, x, h))
        run = nr.forward(cell, params, x, initial_state=(h,), device=device, **way)
        grads = run.backward(d_outputs, (dh,))
        results = {"y": run.outputs, "h": run.state.h, "dx": grads.inputs, "d first": grads.initial_state.h}
        assert_close(results | grads.params, {"y": y, "h": final, "dx": dx, "d first": d_first} | d_params, 1e-12)
        assert list(run.gates) == ["gh", "h", "gy", "y"] and list(run.states) == ["h"]


def test_float32_and_no_initial_state():
    cell, x = nr.IntersectionRNNCell(H), np.random.default_rng(0).standard_normal((B, T, H)).astype("float32")
    params = cell.init_params(H, rng=1)
    outputs = nr.forward(cell, params, x).outputs
    expected, _ = by_steps(cell, params, x.astype(float), np.zeros((B, H)), np.ones((B, T), bool), False)
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs, expected, atol=2e-6)


def test_bad_input():
    with pytest.raises(nr.InputError, match="IntersectionRNNCell: expected as many input features as units, 7, got 3"):
        nr.IntersectionRNNCell(H).init_params(3)
    with pytest.raises(nr.InputError, match="IntersectionRNNCell: no y_activation 'max'"):
        nr.IntersectionRNNCell(H, y_activation="max")
    with pytest.raises(nr.InputError, match="IntersectionRNNCell: expected units to be a positive integer, got 0"):
        nr.IntersectionRNNCell(0)
