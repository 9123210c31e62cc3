"""What composite cells promise besides their gradients: bits, padding, names, fresh parameters."""

import warnings

import numpy as np
import pytest
from helpers.problems import assert_close, assert_same_bits
from helpers.wrapper_problems import CASES, LENGTHS, B, H, I, Problem, T, everything, gru, lstm, rnn

import numbarnn as nr
from numbarnn.utils.tree import tree_leaves


def test_stack_of_one_is_the_cell():
    for make in (lstm, gru, rnn):
        cell, stack = make(H), nr.MultiRNNCell([make(H)])
        params = cell.init_params(I, rng=4)
        in_stack = stack.init_params(I, rng=4)
        assert_same_bits({n.removeprefix("0/"): p for n, p in in_stack.items()}, params)
        x = Problem(cell, "float32").x
        for device in ("cpu", "numpy"):
            alone = everything(nr.forward(cell, params, x, device=device, lengths=LENGTHS))
            stacked = everything(nr.forward(stack, in_stack, x, device=device, lengths=LENGTHS))
            assert_same_bits({n.replace("d 0/", "d "): a for n, a in stacked.items()}, alone)


@pytest.mark.parametrize("case", CASES)
def test_the_same_bits_again(case):
    """A second gradient, less memory, time-major; and float32 is float32 throughout."""
    problem = Problem(CASES[case], "float32")
    options = {"training": True, "rng": 8, "lengths": LENGTHS, "initial_state": problem.state, "device": "numpy"}
    run = nr.forward(problem.cell, problem.params, problem.x, **options)
    first, second = (problem.gradients(run) for _ in range(2))
    minimal = problem.gradients(nr.forward(problem.cell, problem.params, problem.x, save="minimal", **options))
    turned = nr.forward(problem.cell, problem.params, problem.x.swapaxes(0, 1), time_major=True, **options)
    assert_same_bits(second, first)
    assert_same_bits(minimal, first)
    assert np.array_equal(turned.outputs.swapaxes(0, 1), run.outputs)
    assert {a.dtype for a in (*first.values(), run.outputs, *tree_leaves(run.state))} == {np.dtype("float32")}


@pytest.mark.parametrize("case", CASES)
def test_padding_is_never_read(case):
    problem = Problem(CASES[case])
    expected = problem.results(device="numpy", lengths=LENGTHS)
    problem.x = problem.x.copy()
    for row, n in zip(problem.x, LENGTHS, strict=True):
        row[n:] = -1 if problem.cell.takes_integers else np.nan
    assert_same_bits(problem.results(device="numpy", lengths=LENGTHS), expected)
    outputs = expected["outputs"]
    assert all(not row[n:].any() for row, n in zip(outputs, LENGTHS, strict=True))


@pytest.mark.parametrize("case", CASES)
def test_no_steps_and_no_rows(case):
    cell = CASES[case]
    params = cell.init_params(I)
    for shape in ((B, 0), (0, T)):
        x = np.zeros(shape, int) if cell.takes_integers else np.zeros((*shape, I), "f4")
        run = nr.forward(cell, params, x, training=True, rng=1)
        assert run.outputs.shape == (*shape, cell.output_size)
        assert not any(g.any() for g in run.backward(run.outputs).params.values())


def test_states_gates_and_names():
    cell = nr.MultiRNNCell(
        [nr.HighwayWrapper(gru(I)), nr.Bidirectional(lstm(H), rnn(4)), nr.ConcatenatedState(lstm(2))]
    )
    assert cell.state_size == ((I,), ((H, H), (4,)), 4) and cell.output_size == 2
    run = nr.forward(cell, cell.init_params(I), np.ones((B, T, I), "f4"), lengths=LENGTHS, device="numpy")
    assert {n: a.shape for n, a in run.states.items()} == {
        "0/cell/h": (B, T, I),
        "1/forward/h": (B, T, H),
        "1/forward/c": (B, T, H),
        "1/backward/h": (B, T, 4),
        "2/h": (B, T, 2),
        "2/c": (B, T, 2),
    }
    assert run.gates["0/carry"].shape == (B, T, I) and not run.gates["0/carry"][1].any() and "1/forward/o" in run.gates
    zero = cell.zero_state(B)
    assert zero[1][0]._fields == ("h", "c") and zero[2].shape == (B, 4)
    again = nr.forward(
        cell, cell.init_params(I), np.ones((B, T, I), "f4"), lengths=LENGTHS, device="numpy", initial_state=zero
    )
    assert np.array_equal(again.outputs, run.outputs)


def test_concatenated_states_are_in_tensorflows_order():
    """[c, h] of each cell, one cell after the other (state_is_tuple=False)."""
    tuples = nr.MultiRNNCell([lstm(3), lstm(2)])
    arrays = nr.MultiRNNCell([nr.ConcatenatedState(lstm(3)), nr.ConcatenatedState(lstm(2))], state_is_tuple=False)
    whole, x = nr.ConcatenatedState(tuples), np.ones((B, T, I), "f4")
    params = tuples.init_params(I)
    a, b = nr.forward(tuples, params, x).state
    expected = np.concatenate([a.c, a.h, b.c, b.h], axis=1)
    assert np.array_equal(nr.forward(arrays, params, x).state, expected)
    assert np.array_equal(nr.forward(whole, params, x).state, expected)
    assert arrays.zero_state(B).shape == (B, 10)
    grid = nr.GridLSTMCell(2, feature_size=1, frequency_skip=1, num_frequency_blocks=[I])
    params = grid.init_params(I)
    state, columns = (nr.forward(c, params, x, device="numpy").state for c in (grid, nr.ConcatenatedState(grid)))
    assert np.array_equal(columns, np.concatenate([a for s in state for a in (s.c, s.m)], axis=1))


def test_step_is_one_step_of_forward():
    cell = nr.MultiRNNCell([nr.ResidualWrapper(lstm(I)), nr.OutputProjectionWrapper(gru(H), 2)])
    problem = Problem(cell)
    run, state = nr.forward(cell, problem.params, problem.x, initial_state=problem.state), problem.state
    for t in range(T):
        y, state = cell.step(problem.params, problem.x[:, t], state)
        np.testing.assert_allclose(y, run.outputs[:, t], rtol=1e-14, atol=1e-15)
    tokens = nr.EmbeddingWrapper(rnn(H), 5, 3)
    assert tokens.step(tokens.init_params(), np.array([1, 4]))[0].shape == (2, H)


def test_one_object_at_several_places():
    """Spec E5: with inputs of one size the cell is shared, with a warning; else an error."""
    cell = gru(I)
    shared, apart = nr.MultiRNNCell([cell, cell]), nr.MultiRNNCell([gru(I), gru(I)])
    with pytest.warns(UserWarning, match="places 0 and 1 hold the same GRUCell, and share its parameters"):
        params = shared.init_params(I, dtype="float64")
    assert params.keys() == {"0/kernel", "0/recurrent_kernel", "0/bias"} and shared != apart
    both = params | {n.replace("0/", "1/"): p for n, p in params.items()}
    x = np.random.default_rng(0).standard_normal((B, T, I))
    one, two = nr.forward(shared, params, x), nr.forward(apart, both, x)
    assert np.array_equal(one.outputs, two.outputs)
    g, h = (run.backward(np.ones_like(one.outputs)).params for run in (one, two))
    assert_close(g, {n: h[n] + h[n.replace("0/", "1/")] for n in params}, 1e-13)
    layer = nr.BasicRNNCell(100)  # the second notebook's stack
    with pytest.raises(
        nr.InputError, match="the same BasicRNNCell stands at places 0 and 1, but its inputs have 1 and 100"
    ):
        nr.MultiRNNCell([layer] * 3).init_params(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        apart.init_params(I)


def test_fresh_parameters():
    params = nr.EmbeddingWrapper(nr.HighwayWrapper(lstm(8)), 300, 8).init_params(rng=3)
    table = params["embedding"]
    assert abs(table).max() <= np.sqrt(3, dtype="f4") and abs(table.var() - 1) < 0.1
    assert list(params)[:3] == ["embedding", "cell/carry_kernel", "cell/carry_bias"] and params["cell/carry_bias"].all()
    assert params["cell/cell/bias"].tolist() == [0] * 8 + [1] * 8 + [0] * 16
    cell = nr.OutputProjectionWrapper(nr.InputProjectionWrapper(rnn(5), 4), 2)
    params, again = cell.init_params(3, rng=1), cell.init_params(3, rng=np.random.default_rng(1))
    assert_same_bits(params, again)
    assert {n: p.shape for n, p in params.items()} == cell.param_shapes(3)
    assert params["projection_kernel"].any() and not params["cell/projection_bias"].any()
    two = nr.Bidirectional(gru(3)).init_params(2)
    assert not np.array_equal(two["forward/kernel"], two["backward/kernel"])
