"""Group LSTM against its equations, group by group, differentiated by autograd."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from helpers.problems import Problem, assert_close

import numbarnn as nr

CASES = [  # units, inputs, options
    (8, 4, {"number_of_groups": 2}),
    (6, 6, {"number_of_groups": 3, "num_proj": 9, "activation": "softsign", "forget_bias": 0.2}),
    (5, 3, {"num_proj": 4, "activation": "linear"}),
    (6, 12, {"number_of_groups": 6, "forget_bias": 0.0}),
]
T, B = 5, 4
PHI = {"tanh": anp.tanh, "linear": lambda c: c, "softsign": lambda c: c / (1 + anp.abs(c))}


def sigmoid(z):
    return 0.5 * (anp.tanh(z / 2) + 1)


def groups_one_by_one(cell, params, x, state, mask, reverse):
    G, (h, c), outputs = cell.number_of_groups, state, [None] * T
    for t in reversed(range(T)) if reverse else range(T):
        z = []
        for k, (x_k, h_k) in enumerate(zip(anp.split(x[:, t], G, 1), anp.split(h, G, 1), strict=True)):
            whole = x_k @ params["kernel"][k] + h_k @ params["recurrent_kernel"][k]
            z.append(anp.split(whole, 4, 1))
        b = anp.split(params["bias"], 4)
        i, f, g, o = (anp.concatenate([z_k[gate] for z_k in z], 1) + b[gate] for gate in range(4))
        new_c = sigmoid(f + cell.forget_bias) * c + sigmoid(i) * anp.tanh(g)
        new_h = sigmoid(o) * PHI[cell.activation](new_c)
        if cell.num_proj:
            new_h = new_h @ params["projection_kernel"]
        valid = mask[:, t, None]
        outputs[t] = anp.where(valid, new_h, 0)
        h, c = anp.where(valid, new_h, h), anp.where(valid, new_c, c)
    return anp.stack(outputs, 1), (h, c)


def expected(problem, mask, reverse):
    def loss(given):
        y, state = groups_one_by_one(problem.cell, *given, mask, reverse)
        ends = zip(state, problem.d_state, strict=True)
        return anp.sum(y * problem.d_outputs) + sum(anp.sum(a * d) for a, d in ends)

    given = problem.params, problem.x, tuple(problem.state)
    y, (h, c) = groups_one_by_one(problem.cell, *given, mask, reverse)
    d_params, dx, (dh, dc) = grad(loss)(given)
    results = {"outputs": y, "final h": h, "final c": c, "d inputs": dx, "d initial h": dh, "d initial c": dc}
    return results | {f"d {name}": d for name, d in d_params.items()}


@pytest.mark.parametrize("device", ["numpy", "cpu"])
@pytest.mark.parametrize(("units", "inputs", "options"), CASES, ids=str)
def test_equals_groups_one_by_one(units, inputs, options, device):
    problem = Problem(nr.GLSTMCell(units, **options), T, B, inputs)
    lengths = np.array([3, 0, 5, 1])
    ways = (
        ({}, np.ones((B, T), bool)),
        ({"lengths": lengths}, np.arange(T) < lengths[:, None]),
        ({"mask": problem.mask, "reverse": True}, problem.mask),
    )
    for way, mask in ways:
        want = expected(problem, mask, way.get("reverse", False))
        results = problem.results(device=device, **way)
        assert_close({name: results[name] for name in want}, want, 1e-12)


@pytest.mark.parametrize("num_proj", [None, 3])
def test_one_group_is_an_lstm(num_proj):
    groups, lstm = nr.GLSTMCell(7, num_proj=num_proj), nr.LSTMCell(7, num_proj=num_proj, forget_bias=1.0)
    problem, other = Problem(groups, T, B, 3), Problem(lstm, T, B, 3)
    other.x, other.state, other.d_state, other.d_outputs = (
        problem.x,
        *(getattr(problem, name) for name in ("state", "d_state", "d_outputs")),
    )
    other.params = {n: p[0] if p.ndim == 3 else p for n, p in problem.params.items()}
    results = {n: a[0] if a.ndim == 3 and "kernel" in n else a for n, a in problem.results().items()}
    assert_close(results, other.results(), 1e-14)


def test_wrappers_for_plain_cells_take_it():
    cell = nr.ZoneoutWrapper(nr.GLSTMCell(6, number_of_groups=3), zoneout_h=0.3, zoneout_c=0.2)
    params, x = cell.init_params(6, dtype="float64"), np.random.default_rng(0).standard_normal((B, T, 6))
    runs = [nr.forward(cell, params, x, training=True, rng=1, device=device) for device in ("numpy", "cpu")]
    np.testing.assert_allclose(*(run.outputs for run in runs), atol=1e-13)
    np.testing.assert_allclose(*(run.backward(run.outputs).params["kernel"] for run in runs), atol=1e-12)


def test_parameters():
    params = nr.GLSTMCell(40, number_of_groups=4, num_proj=20).init_params(8, rng=1)
    assert {name: p.shape for name, p in params.items()} == {
        "kernel": (4, 2, 40),
        "recurrent_kernel": (4, 5, 40),
        "bias": (160,),
        "projection_kernel": (40, 20),
    }
    assert np.abs(params["recurrent_kernel"]).max() == pytest.approx(np.sqrt(6 / 47), rel=0.02)
    assert not params["bias"].any()


def test_what_groups_do_not_divide():
    with pytest.raises(nr.InputError, match=r"expected units to be a multiple of number_of_groups \(3\), got 7"):
        nr.GLSTMCell(7, number_of_groups=3)
    with pytest.raises(nr.InputError, match="expected num_proj to be a multiple"):
        nr.GLSTMCell(6, number_of_groups=3, num_proj=4)
    with pytest.raises(nr.InputError, match="expected input features to be a multiple"):
        nr.GLSTMCell(6, number_of_groups=3).init_params(5)
    with pytest.raises(nr.InputError, match="expected number_of_groups to be a positive integer, got 0"):
        nr.GLSTMCell(6, number_of_groups=0)
