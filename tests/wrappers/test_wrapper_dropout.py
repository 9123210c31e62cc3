"""The masks of dropout around cells."""

import numba
import numpy as np
import pytest
from helpers.problems import assert_close, assert_same_bits
from helpers.wrapper_problems import CASES, B, H, Problem, T, everything, lstm, rnn

import numbarnn as nr
from numbarnn.cells.base import Cell
from numbarnn.engines.interface import RunOptions
from numbarnn.ops.random import bernoulli


def test_masks_depend_on_the_seed_alone():
    """Not on threads, device or dtype."""
    stack = nr.MultiRNNCell(
        [nr.DropoutWrapper(lstm(70), input_keep_prob=0.7, output_keep_prob=0.6, state_keep_prob=0.8)]
    )
    params, x = stack.init_params(3), np.random.default_rng(0).standard_normal((40, 5, 3)).astype("f4")
    run = lambda rng, **options: nr.forward(stack, params, x, training=True, rng=rng, **options)  # noqa: E731
    expected = everything(run(5))
    try:
        numba.set_num_threads(1)
        assert_same_bits(everything(run(5)), expected)
    finally:
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    assert_close(everything(run(5, device="numpy")), expected, 1e-4)
    assert not np.array_equal(run(6).outputs, run(5).outputs)
    wide = nr.forward(stack, {n: p.astype("f8") for n, p in params.items()}, x.astype("f8"), training=True, rng=5)
    assert np.array_equal(wide.outputs == 0, run(5).outputs == 0)
    drawn = np.random.default_rng(5)
    assert not np.array_equal(run(drawn).outputs, run(drawn).outputs)


@pytest.mark.parametrize("case", [case for case in CASES if "drop" in case or case in ("deep", "around a stack")])
def test_nothing_is_dropped_outside_training(case):
    """And no seed is needed."""
    problem = Problem(CASES[case])
    with pytest.raises(nr.InputError, match=r"draws random numbers in training; expected rng"):
        nr.forward(problem.cell, problem.params, problem.x, training=True, device="numpy")
    one, other = (nr.forward(problem.cell, problem.params, problem.x, rng=r, device="numpy") for r in (None, 3))
    assert np.array_equal(one.outputs, other.outputs)
    if isinstance(problem.cell, nr.DropoutWrapper | nr.DropConnectWrapper):
        bare = nr.forward(problem.cell.cell, problem.params, problem.x, device="numpy")
        assert_same_bits(problem.gradients(one), problem.gradients(bare))


def test_keep_one_changes_nothing():
    problem = Problem(
        nr.DropoutWrapper(nr.DropConnectWrapper(lstm(H), 0.0), input_keep_prob=1, variational_recurrent=True)
    )
    run = nr.forward(problem.cell, problem.params, problem.x, training=True, device="numpy")
    bare = nr.forward(lstm(H), problem.params, problem.x, device="numpy")
    assert_same_bits(problem.gradients(run), problem.gradients(bare))


@pytest.mark.parametrize("steps", [False, True])
@pytest.mark.parametrize("rows", [False, True])
def test_masks_are_shared_in_time_and_over_the_batch(steps, rows):
    shared = {"variational_recurrent": steps, "shared_over_batch": rows}
    cell = nr.DropoutWrapper(lstm(50), output_keep_prob=0.3, **shared)
    x = np.random.default_rng(0).standard_normal((6, 7, 2)).astype("f4")
    params = cell.init_params(2)
    outputs = nr.forward(cell, params, x, training=True, rng=0, device="numpy").outputs
    whole, kept = nr.forward(cell, params, x, device="numpy").outputs, outputs != 0
    assert (kept == kept[:, :1]).all() == steps and (kept == kept[:1]).all() == rows
    assert abs(kept.mean() - 0.3) < (0.03 if not steps and not rows else 0.2)
    np.testing.assert_allclose(outputs[kept], whole[kept] / 0.3, rtol=1e-6)


def test_dropped_states_are_handed_on_and_outputs_are_whole():
    cell = nr.DropoutWrapper(lstm(50), state_keep_prob=0.5)
    params, x = cell.init_params(2), np.random.default_rng(0).standard_normal((6, 7, 2)).astype("f4")
    run = nr.forward(cell, params, x, training=True, rng=0, lengths=[7, 3, 0, 1, 2, 7])
    assert run.outputs[0].all() and run.state.c[0].all() and run.state._fields == ("h", "c")
    last = np.stack([y[n - 1] if n else 0 * y[0] for y, n in zip(run.outputs, [7, 3, 0, 1, 2, 7], strict=True)])
    kept = run.state.h != 0
    assert 0.4 < kept[[0, 1, 3, 4, 5]].mean() < 0.6
    np.testing.assert_array_equal(run.state.h[kept], 2 * last[kept])
    assert run.states.keys() == {"h", "c"} and run.gates.keys() == {"i", "f", "g", "o"}
    assert np.array_equal(run.states["h"][0, -1], run.state.h[0])


def test_drop_connect_drops_weights_once_a_call():
    """Behind the first step, with zero inputs and a state of ones, the rows of the kernel show themselves."""
    cell = nr.DropConnectWrapper(rnn(40, activation="linear"), 0.25)
    params = {"kernel": np.zeros((1, 40)), "recurrent_kernel": np.ones((40, 40)), "bias": np.zeros(40)}
    run = lambda T: nr.forward(cell, params, np.zeros((40, T, 1)), initial_state=(np.eye(40),), training=True, rng=2)  # noqa: E731
    weights = run(1).state.h
    assert set(np.unique(weights)) == {0, 1 / 0.75} and abs((weights == 0).mean() - 0.25) < 0.05
    np.testing.assert_allclose(run(2).state.h, weights @ weights)


PLAIN = {name: make for name, make in nr.CELLS.items() if issubclass(make, Cell)}


@pytest.mark.parametrize("name", PLAIN)
def test_state_dropout_of_every_cell(name):
    """Against single steps of the bare cell, with masked states between them, and the gradients of these."""
    wrapper = nr.DropoutWrapper(PLAIN[name](H), state_keep_prob=0.6)
    problem, cell = Problem(wrapper), wrapper.cell
    run = nr.forward(
        wrapper, problem.params, problem.x, initial_state=problem.state, training=True, rng=3, device="numpy"
    )
    how, masks = RunOptions(training=True, seed=(3,)).part("cell"), []
    for n, size in zip(cell.State._fields, cell.state_size, strict=True):
        kept = bernoulli(how.part(f"mask0_{n}").random(""), 0.6, (T, B, size))
        masks.append(np.ones((T, B, size)) if n == "c" else kept / 0.6)
    steps, state = [], problem.state
    for t in range(T):
        steps.append(nr.forward(cell, problem.params, problem.x[:, t : t + 1], initial_state=state, device="numpy"))
        state = cell.State(*(s * m[t] for s, m in zip(steps[-1].state, masks, strict=True)))
    d_params, dx, ds = dict.fromkeys(problem.params, 0), [], problem.d_state
    for t in reversed(range(T)):
        ds = cell.State(*(d * m[t] for d, m in zip(ds, masks, strict=True)))
        grads = steps[t].backward(problem.d_outputs[:, t : t + 1], ds)
        ds, dx = grads.initial_state, [grads.inputs, *dx]
        d_params = {n: d + grads.params[n] for n, d in d_params.items()}
    expected = {f"d {n}": d for n, d in d_params.items()} | {"d inputs": np.concatenate(dx, axis=1)}
    assert_close(problem.gradients(run), expected | {f"d initial {i}": d for i, d in enumerate(ds)}, 1e-12)
    np.testing.assert_allclose(run.outputs, np.concatenate([s.outputs for s in steps], axis=1), atol=1e-13)
    for got, want in zip(run.state, state, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-13)
