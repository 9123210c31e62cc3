"""The report of how far truncated BPTT is from full BPTT."""

import numpy as np
import pytest
from helpers.problems import Problem

import numbarnn as nr

T, B, I, H = 9, 3, 4, 5
ALL = "all parameters"


def test_linear_cell_by_hand():
    """h' = a h + w x with x = 1 and a loss of the last output: dL/dw = (1 - a^T) / (1 - a), and truncated to the last k
    steps (1 - a^k) / (1 - a)."""
    a, params = 0.7, {"kernel": np.full((1, 1), 0.3), "recurrent_kernel": np.full((1, 1), 0.7), "bias": np.zeros(1)}
    run = nr.forward(nr.SimpleRNNCell(1, activation="linear"), params, np.ones((1, T, 1)), device="numpy")
    d = np.zeros((1, T, 1))
    d[0, -1] = 1
    found = nr.truncation_bias(run, d, truncates=[(1, 1), (1, 4), (3, 5), (T, T)])
    assert [bias.truncate for bias in found] == [(1, 1), (1, 4), (3, 5), (T, T)]
    for bias, k in zip(found, (1, 4, 5, T), strict=True):
        expected = (a**k - a**T) / (1 - a**T)
        np.testing.assert_allclose([bias.relative_error[n] for n in ("kernel", "bias")], expected, atol=1e-14)
        assert bias.cosine["kernel"] == pytest.approx(1)


def test_equals_the_gradients():
    problem = Problem(nr.LSTMCell(H), T, B, I)
    run = problem.run(device="numpy")
    full = run.backward(problem.d_outputs, problem.d_state).params
    (bias,) = nr.truncation_bias(run, problem.d_outputs, problem.d_state, truncates=[(2, 3)], loss_scope="window")
    cut = run.backward(problem.d_outputs, problem.d_state, truncate=(2, 3), loss_scope="window").params
    vectors = {name: (cut[name].ravel(), g.ravel()) for name, g in full.items()}
    vectors[ALL] = tuple(np.concatenate(side) for side in zip(*vectors.values(), strict=True))
    assert bias.relative_error.keys() == bias.cosine.keys() == vectors.keys()
    for name, (found, true) in vectors.items():
        assert bias.relative_error[name] == pytest.approx(np.sqrt(((found - true) ** 2).sum() / (true**2).sum()))
        assert bias.cosine[name] == pytest.approx(np.corrcoef([[*found, *-found], [*true, *-true]])[0, 1])


def test_longer_windows_are_nearer():
    problem = Problem(nr.GRUCell(H), 32, B, I, "float32")
    found = nr.truncation_bias(problem.run(device="numpy"), problem.d_outputs)
    assert [bias.truncate for bias in found] == [(k, k) for k in (1, 2, 4, 8, 16)]
    errors = [bias.relative_error[ALL] for bias in found]
    assert errors == sorted(errors, reverse=True) and errors[0] > 0.1
    cosines = [bias.cosine[ALL] for bias in found]
    assert cosines == sorted(cosines) and cosines[-1] < 1


def test_a_cell_without_memory_has_none():
    problem = Problem(nr.SimpleRNNCell(H), T, B, I)
    problem.params["recurrent_kernel"][:] = 0
    for bias in nr.truncation_bias(problem.run(device="numpy"), problem.d_outputs):
        assert max(bias.relative_error.values()) < 1e-15 and min(bias.cosine.values()) == pytest.approx(1)


def test_no_gradient_has_no_direction():
    problem = Problem(nr.SimpleRNNCell(H), T, B, I)
    (bias,) = nr.truncation_bias(problem.run(device="numpy"), np.zeros((B, T, H)), truncates=[(2, 2)])
    assert np.isnan(bias.relative_error[ALL]) and np.isnan(bias.cosine["kernel"])


def test_as_text():
    problem = Problem(nr.LSTMCell(H), T, B, I)
    lines = str(nr.truncation_bias(problem.run(device="numpy"), problem.d_outputs, truncates=[(2, 3), (9, 9)])).split(
        "\n"
    )
    assert lines[0].split() == ["truncate", "parameter", "relative", "error", "cosine"]
    assert len(lines) == 9 and len(set(map(len, lines))) == 1
    assert lines[-1].split() == ["(9,", "9)", "all", "parameters", "0.00e+00", "1.0000"]


def test_refused():
    problem = Problem(nr.LSTMCell(H), 1, B, I)
    run = problem.run(device="numpy")
    with pytest.raises(nr.InputError, match="truncation_bias: expected truncate to be a pair"):
        nr.truncation_bias(run, problem.d_outputs, truncates=[3])
    with pytest.raises(nr.InputError, match="got none for 1 steps"):
        nr.truncation_bias(run, problem.d_outputs)
