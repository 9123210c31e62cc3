"""The public `forward` and `Run`: what they refuse, and the semantics that users rely on."""

import dataclasses
from inspect import signature

import numpy as np
import pytest
from helpers.problems import Problem
from numpy.testing import assert_array_equal

import numbarnn as nr

CELLS = list(nr.CELLS.values())


def lstm():
    return Problem(nr.LSTMCell(5), 4, 3, 2, "float32")


def call(problem, **change):
    arguments = {
        "cell": problem.cell,
        "params": problem.params,
        "x": problem.x,
        "initial_state": problem.state,
    } | change
    return nr.forward(arguments.pop("cell"), arguments.pop("params"), arguments.pop("x"), **arguments)


P = lstm()
WRONG_CALLS = {
    "rank": (
        {"x": np.zeros((3, 4), "f4")},
        r"LSTMCell: expected inputs of shape \(batch, steps, features\), got \(3, 4\)",
    ),
    "integer inputs": ({"x": np.zeros((3, 4, 2), int)}, "inputs of dtype float32, that of the parameters, got int64"),
    "big-endian": ({"x": np.zeros((3, 4, 2), ">f4")}, "inputs of dtype float32, that of the parameters, got >f4"),
    "no features": ({"x": np.zeros((3, 4, 0), "f4")}, "at least one feature"),
    "dtype of inputs": ({"x": np.zeros((3, 4, 2))}, "inputs of dtype float32, .* got float64"),
    "features": ({"x": np.zeros((3, 4, 7), "f4")}, r"the 2 features of the parameters, got \(3, 4, 7\)"),
    "missing parameter": (
        {"params": {"kernel": P.params["kernel"]}},
        "dict of the parameters kernel, recurrent_kernel, bias",
    ),
    "unknown parameter": ({"params": P.params | {"peephole": P.params["bias"]}}, "dict of the parameters"),
    "params no dict": ({"params": list(P.params.values())}, "dict of the parameters .* got list"),
    "NaN weights": ({"params": P.params | {"bias": np.full(20, np.nan, "f4")}}, "not finite in parameter bias"),
    "infinite weights": (
        {"params": P.params | {"kernel": np.full((2, 20), np.inf, "f4")}},
        "not finite in parameter kernel",
    ),
    "state size": ({"initial_state": P.cell.zero_state(2)}, r"initial_state.h of shape \(3, 5\), got \(2, 5\)"),
    "state dtype": (
        {"initial_state": P.cell.zero_state(3, "float64")},
        "initial_state.h of dtype float32, got float64",
    ),
    "state count": ({"initial_state": (P.state.h,)}, r"initial_state to be State\(h, c\), got tuple"),
    "state an array": ({"initial_state": np.zeros((2, 3, 5), "f4")}, r"initial_state to be State\(h, c\), got ndarray"),
    "state None": ({"initial_state": (P.state.h, None)}, "an array for initial_state.c, got None"),
    "negative length": ({"lengths": [1, -1, 2]}, r"lengths from 0 to 4 \(the steps\), got -1 to 2"),
    "long length": ({"lengths": [1, 5, 2]}, "lengths from 0 to 4"),
    "float lengths": ({"lengths": [1.0, 2.0, 3.0]}, "lengths to be 3 integers"),
    "lengths of another batch": ({"lengths": [1, 2]}, r"lengths to be 3 integers, got shape \(2,\)"),
    "both": ({"lengths": [1, 2, 3], "mask": np.ones((3, 4), bool)}, "lengths or mask, got both"),
    "mask shape": ({"mask": np.ones((4, 3), bool)}, r"mask of shape \(3, 4\), got \(4, 3\)"),
    "mask dtype": ({"mask": np.ones((3, 4))}, "mask of dtype bool, got float64"),
    "device": ({"device": "tpu"}, "no device 'tpu'; there are"),
    "save": ({"save": "some"}, "'all', 'sqrt' or 'minimal', got 'some'"),
    "no cell": ({"cell": "LSTM"}, "expected a cell such as"),
}


@pytest.mark.parametrize("name", WRONG_CALLS)
def test_refused(name):
    change, message = WRONG_CALLS[name]
    with pytest.raises(nr.InputError, match=message):
        call(P, **change)


@pytest.mark.parametrize("device", ["cpu", "numpy"])
def test_gradient_refused(device):
    run = call(P, device=device)
    for d_outputs, d_state, message in (
        (np.zeros((3, 4, 4), "f4"), None, r"d_outputs of shape \(3, 4, 5\), got \(3, 4, 4\)"),
        (np.zeros((3, 4, 5)), None, "d_outputs of dtype float32, got float64"),
        (None, P.cell.zero_state(4), "d_state.h of shape"),
        (None, (P.state.h,), "d_state to be State"),
    ):
        with pytest.raises(nr.InputError, match=message):
            run.backward(d_outputs, d_state)
    run.backward(None, P.cell.State(h=None, c=P.d_state.c))  # a part may be missing


@pytest.mark.parametrize("make", CELLS, ids=lambda c: c.__name__)
def test_options(make):
    cell = make(4)
    with pytest.raises(nr.InputError, match="unexpected keyword argument 'unit'"):
        make(4, unit=3)
    with pytest.raises(nr.InputError, match="missing a required argument"):
        make()
    with pytest.raises(nr.InputError, match="too many positional"):
        make(4, "tanh")
    for units in (0, -1):
        with pytest.raises(nr.InputError, match="units to be a positive integer"):
            make(units)
    with pytest.raises(dataclasses.FrozenInstanceError):
        cell.units = 5
    assert repr(cell).startswith(f"{make.__name__}(units=4")
    assert cell == make(4) != make(5)


@pytest.mark.parametrize("make", [make for make in CELLS if "activation" in signature(make).parameters])
def test_activation(make):
    with pytest.raises(nr.InputError, match="no activation 'glu'; there are tanh"):
        make(4, activation="glu")
    assert "activation='sigmoid'" in repr(make(4, activation="sigmoid"))
    assert make(4) != make(4, activation="sigmoid")


def test_state_is_a_named_tuple_and_step_is_one_step_of_forward():
    for make in CELLS:
        problem = Problem(make(6), 5, 3, 4)
        run = problem.run()
        assert run.state._fields == problem.cell.states
        state = problem.state
        for t in range(5):
            output, state = problem.cell.step(problem.params, problem.x[:, t], state)
            assert np.array_equal(output, run.outputs[:, t]) and np.array_equal(output, state.h)
            for name, s in zip(state._fields, state, strict=True):
                assert np.array_equal(s, run.states[name][:, t])
        for a, b in zip(state, run.state, strict=True):
            assert np.array_equal(a, b)


def test_golden_lengths():
    """The notebooks' toy batch (spec P9): past its length a row gives zeros and keeps its state, bit for bit."""
    x = np.array([[[0, 1, 2], [9, 8, 7]], [[3, 4, 5], [0, 0, 0]], [[6, 7, 8], [6, 5, 4]], [[9, 0, 1], [3, 2, 1]]], "f4")
    cell = nr.BasicRNNCell(5)
    outputs, state = nr.dynamic_rnn(cell, cell.init_params(3, rng=42), x, lengths=[2, 1, 2, 2])
    assert not outputs[1, 1].any()
    assert np.array_equal(state.h[1], outputs[1, 0])
    assert np.array_equal(state.h[[0, 2, 3]], outputs[[0, 2, 3], 1])


def test_two_steps_by_hand():
    """The notebooks' manual unrolling (spec D1): Y0 = tanh(X0 Wx + b), Y1 = tanh(Y0 Wy + X1 Wx + b)."""
    rng = np.random.default_rng(0)
    Wx, Wy, b = rng.standard_normal((3, 5)), rng.standard_normal((5, 5)), np.zeros((1, 5))
    x0 = np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 0, 1]], float)
    x1 = np.array([[9, 8, 7], [0, 0, 0], [6, 5, 4], [3, 2, 1]], float)
    y0 = np.tanh(x0 @ Wx + b)
    y1 = np.tanh(y0 @ Wy + x1 @ Wx + b)
    params = {"kernel": Wx, "recurrent_kernel": Wy, "bias": b[0]}
    outputs, state = nr.static_rnn(nr.BasicRNNCell(5), params, [x0, x1])
    np.testing.assert_allclose(outputs, [y0, y1], rtol=1e-13, atol=1e-14)
    assert np.array_equal(state.h, outputs[1])


@pytest.mark.parametrize("make", CELLS, ids=lambda c: c.__name__)
def test_static_equals_dynamic(make):
    """Bit for bit, in both layouts, with lengths and an initial state."""
    problem = Problem(make(17), 6, 4, 3, "float32")
    options = {"initial_state": problem.state, "lengths": problem.lengths}
    outputs, state = nr.dynamic_rnn(problem.cell, problem.params, problem.x, **options)
    steps = list(problem.x.transpose(1, 0, 2))
    listed, listed_state = nr.static_rnn(problem.cell, problem.params, steps, **options)
    turned, _ = nr.dynamic_rnn(problem.cell, problem.params, np.stack(steps), time_major=True, **options)
    assert np.array_equal(np.stack(listed, 1), outputs) and np.array_equal(turned, np.stack(listed))
    for a, b in zip(state, listed_state, strict=True):
        assert np.array_equal(a, b)
    with pytest.raises(nr.InputError, match="static_rnn: expected a list of arrays of one shape"):
        nr.static_rnn(problem.cell, problem.params, [steps[0], steps[1][:2]])
    with pytest.raises(nr.InputError, match="static_rnn: expected a list of arrays"):
        nr.static_rnn(problem.cell, problem.params, [])


@pytest.mark.parametrize("make", CELLS, ids=lambda c: c.__name__)
def test_concatenation_in_time(make):
    """Two runs with the state handed over are one long run: outputs, states and, through the hand-over, gradients."""
    problem = Problem(make(9), 7, 4, 3)
    whole = problem.run()
    grads = whole.backward(problem.d_outputs, problem.d_state)
    first = nr.forward(problem.cell, problem.params, problem.x[:, :3], initial_state=problem.state)
    second = nr.forward(problem.cell, problem.params, problem.x[:, 3:], initial_state=first.state)
    assert np.array_equal(np.concatenate([first.outputs, second.outputs], 1), whole.outputs)
    later = second.backward(problem.d_outputs[:, 3:], problem.d_state)
    earlier = first.backward(problem.d_outputs[:, :3], later.initial_state)
    for name, g in grads.params.items():
        np.testing.assert_allclose(earlier.params[name] + later.params[name], g, rtol=1e-11, atol=1e-12)
    for a, b in zip(earlier.initial_state, grads.initial_state, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("make", CELLS, ids=lambda c: c.__name__)
def test_reverse(make):
    """`reverse` is the forward pass over each row flipped within its length, flipped back."""
    problem = Problem(make(9), 6, 4, 3)
    lengths = np.array([6, 2, 0, 5])
    flipped = problem.x.copy()
    for row, n in zip(flipped, lengths, strict=True):
        row[:n] = row[:n][::-1]
    run = problem.run(lengths=lengths, reverse=True)
    other = nr.forward(problem.cell, problem.params, flipped, initial_state=problem.state, lengths=lengths)
    for b, n in enumerate(lengths):
        assert np.array_equal(run.outputs[b, :n], other.outputs[b, :n][::-1])
    for a, b in zip(run.state, other.state, strict=True):
        assert np.array_equal(a, b)


def test_forget_bias_is_a_constant_in_the_forget_gate():
    problem = Problem(nr.LSTMCell(6, forget_bias=0.75), 4, 3, 2)
    results = problem.results()
    problem.cell, shifted = nr.LSTMCell(6), problem.params["bias"].copy()
    shifted[6:12] += 0.75
    problem.params["bias"] = shifted
    for name, want in problem.results().items():
        np.testing.assert_allclose(results[name], want, rtol=1e-13, atol=1e-14)


def test_fresh_parameters():
    """Names, shapes, the packed initialisers and biases of each cell; a seed gives the same bits."""
    lstm, gru = nr.LSTMCell(4), nr.GRUCell(4)
    params = lstm.init_params(3, rng=7)
    assert {n: p.shape for n, p in params.items()} == {"kernel": (3, 16), "recurrent_kernel": (4, 16), "bias": (16,)}
    assert all(p.dtype == np.float32 for p in params.values())
    np.testing.assert_allclose(params["recurrent_kernel"] @ params["recurrent_kernel"].T, np.eye(4), atol=1e-6)
    limit = np.sqrt(6 / (3 + 16))
    assert limit / 2 < np.abs(params["kernel"]).max() <= limit
    assert params["bias"].tolist() == [0] * 4 + [1] * 4 + [0] * 8
    assert not nr.LSTMCell(4, forget_bias=1.0).init_params(3)["bias"].any()
    assert gru.init_params(3)["bias"].tolist() == [1] * 8 + [0] * 4
    assert nr.ResetAfterGRUCell(4).init_params(3)["bias"].shape == (16,)
    assert "bias" not in nr.SimpleRNNCell(4, use_bias=False).init_params(3)
    again = lstm.init_params(3, rng=7, dtype="float64")
    for name, p in params.items():
        assert np.array_equal(again[name].astype("f4"), p)


@pytest.mark.parametrize("time_major", [False, True])
@pytest.mark.parametrize("device", ["cpu", "numpy"])
def test_outputs_cannot_be_changed_before_the_gradient(device, time_major):
    """It reads them: changed in place, they made the gradient of the recurrent kernel wrong."""
    cell = nr.LSTMCell(5)
    run = nr.forward(cell, cell.init_params(2), np.ones((3, 4, 2), "f4"), device=device, time_major=time_major)
    d_outputs = run.outputs
    with pytest.raises(ValueError, match="read-only"):
        d_outputs -= 1


@pytest.mark.parametrize("device", ["cpu", "numpy", "njit"])
@pytest.mark.parametrize("save", ["all", "sqrt"])
def test_final_states_may_be_changed(device, save):
    """A stream that resets the states of finished rows in place; the gradient is what it was."""
    cell, rng = nr.MultiRNNCell([nr.LSTMCell(4), nr.SimpleRNNCell(3)]), np.random.default_rng(0)
    params, x = cell.init_params(2, 0, "float64"), rng.standard_normal((3, 5, 2))
    d = rng.standard_normal((3, 5, 3))
    expected = nr.forward(cell, params, x, device=device, save=save).backward(d).params
    run = nr.forward(cell, params, x, device=device, save=save)
    for array in (*run.state[0], *run.state[1]):
        array[...] = 7
    for name, g in run.backward(d).params.items():
        assert_array_equal(g, expected[name], err_msg=name)
