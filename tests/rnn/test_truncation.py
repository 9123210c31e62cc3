"""Truncated BPTT(k1, k2): its definition by autograd, and the identities that follow from it."""

import math

import numba
import numpy as np
import pytest
from helpers.problems import Problem, assert_close, assert_same_bits
from helpers.truncation import CELLS, COMPOSITES, DEVICES, SHAPE, B, H, I, T, assert_is_the_definition, gradients, named

import numbarnn as nr
from numbarnn.rnn.truncation import Window, groups, windows
from numbarnn.utils.tree import tree_map
from validation import references
from validation.cases import Call, Case, fitted


@pytest.mark.parametrize("scope", ["new", "window"])
@pytest.mark.parametrize("truncate", [(1, 1), (1, 3), (2, 2), (2, 3), (3, 4), (2, 6), (4, 7), (3, 9), (7, 7), (9, 10)])
def test_definition(truncate, scope):
    call = Call(initial_state=True, masking="mask", truncate=truncate, loss_scope=scope)
    assert_is_the_definition(Case("LSTMCell", {}, SHAPE, call))


@pytest.mark.parametrize("masking", ["none", "lengths", "mask"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", ["GRUCell", "SimpleRNNCell"])
def test_definition_with_masks_and_in_reverse(cell, reverse, masking):
    call = Call(initial_state=True, masking=masking, reverse=reverse, time_major=not reverse, truncate=(2, 3))
    assert_is_the_definition(Case(cell, {}, SHAPE, call))


@pytest.mark.parametrize("cell", COMPOSITES)
def test_definition_of_composites(cell):
    call = Call(initial_state=True, masking="lengths", truncate=(2, 5))
    assert_is_the_definition(fitted(references.load()[cell], {}, SHAPE, call)[-1])


@pytest.mark.parametrize("cell", CELLS, ids=repr)
def test_one_pass_over_all_steps_is_full_bptt(cell):
    problem = Problem(cell, T, B, I)
    assert_same_bits(gradients(problem, truncate=(T, T)), gradients(problem))


@pytest.mark.parametrize("cell", CELLS, ids=repr)
@pytest.mark.parametrize("truncate", [(1, 7), (2, 8), (3, 7), (5, 100)])
def test_windows_over_everything_are_full_bptt(cell, truncate):
    problem = Problem(cell, T, B, I)
    assert_close(gradients(problem, truncate=truncate), gradients(problem), 1e-13)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_passes_after_each_step_are_the_depth_limited_gradients_of_all_losses(depth):
    """The sum over t of dL_t/dtheta, unrolled over the steps t - depth + 1 ... t."""
    problem = Problem(nr.GRUCell(H), T, B, I)
    expected = {name: 0 for name in problem.params}
    for t in range(T):
        first = max(0, t + 1 - depth)
        before = nr.forward(problem.cell, problem.params, problem.x[:, :first], initial_state=problem.state).state
        steps = nr.forward(problem.cell, problem.params, problem.x[:, first : t + 1], initial_state=before)
        d = np.zeros_like(steps.outputs)
        d[:, -1] = problem.d_outputs[:, t]
        for name, g in steps.backward(d).params.items():
            expected[name] = expected[name] + g
    found = problem.run().backward(problem.d_outputs, truncate=(1, depth))
    assert_close(found.params, expected, 1e-13)


@pytest.mark.parametrize("cell", CELLS, ids=repr)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_scopes_coincide_where_windows_do_not_overlap(cell, k):
    problem = Problem(cell, 6, B, I)
    new, window = (gradients(problem, truncate=(k, k), loss_scope=scope) for scope in ("new", "window"))
    assert_same_bits(new, window)


@pytest.mark.parametrize("cell", CELLS, ids=repr)
def test_short_windows_are_not_full_bptt(cell):
    problem = Problem(cell, T, B, I)
    full = gradients(problem)
    for truncate in ((1, 2), (2, 2), (3, 5)):
        found = gradients(problem, truncate=truncate)
        assert np.abs(found["recurrent_kernel"] - full["recurrent_kernel"]).max() > 1e-3


@pytest.mark.parametrize("cell", CELLS, ids=repr)
def test_chunks_are_a_stateful_run(cell):
    """k1 = k2: each chunk on its own, with the state handed on as a constant."""
    k, problem = 3, Problem(cell, 9, B, I)
    state, expected, d_inputs = problem.state, {}, []
    for start in range(0, 9, k):
        chunk = nr.forward(cell, problem.params, problem.x[:, start : start + k], initial_state=state)
        state, last = chunk.state, start + k == 9
        grads = chunk.backward(problem.d_outputs[:, start : start + k], problem.d_state if last else None)
        expected = {name: expected.get(name, 0) + g for name, g in grads.params.items()}
        d_inputs.append(grads.inputs)
    found = problem.run().backward(problem.d_outputs, problem.d_state, truncate=(k, k))
    assert_close(found.params | {"inputs": found.inputs}, expected | {"inputs": np.hstack(d_inputs)}, 1e-13)


def test_initial_state_belongs_to_the_windows_from_the_start():
    problem = Problem(nr.LSTMCell(H), T, B, I)
    first = nr.forward(problem.cell, problem.params, problem.x[:, :3], initial_state=problem.state)
    expected = first.backward(problem.d_outputs[:, :3]).initial_state
    found = problem.run().backward(problem.d_outputs, problem.d_state, truncate=(3, 3)).initial_state
    assert_close(found._asdict(), expected._asdict(), 1e-13)


def test_training_with_random_masks():
    """Dropout of states and zoneout: the passes see the masks of the forward pass."""
    cell = nr.DropoutWrapper(nr.ZoneoutWrapper(nr.LSTMCell(H), zoneout_c=0.3), state_keep_prob=0.7, input_keep_prob=0.6)
    problem = Problem(nr.LSTMCell(H), T, B, I)
    problem.cell = cell
    for device in DEVICES:
        run = problem.run(device=device, training=True, rng=3)
        full = gradients(problem, run)
        assert_close(gradients(problem, run, truncate=(2, T)), full, 1e-13)
        cut = gradients(problem, run, truncate=(2, 3))
        assert np.abs(cut["recurrent_kernel"] - full["recurrent_kernel"]).max() > 1e-3
        assert_close(cut, gradients(problem, problem.run(device="numpy", training=True, rng=3), truncate=(2, 3)), 1e-12)


@pytest.mark.parametrize("shape", [(60, 1, 33, 70), (30, 9, 20, 40)], ids=["units shared", "rows shared"])
@pytest.mark.parametrize("cell", [nr.LSTMCell, nr.GRUCell], ids=lambda c: c.__name__)
def test_same_bits_for_any_number_of_threads(cell, shape):
    steps, batch, inputs, units = shape
    problem = Problem(cell(units), steps, batch, inputs, "float32")
    found = gradients(problem, truncate=(3, 10))
    assert_close(found, gradients(problem, problem.run(device="numpy"), truncate=(3, 10)), 1e-5)
    numba.set_num_threads(1)
    try:
        assert_same_bits(gradients(problem, truncate=(3, 10)), found)
    finally:
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)


def test_parts_that_are_missing():
    problem = Problem(nr.LSTMCell(H), T, B, I)
    run = problem.run(save="minimal")
    whole = named(run.backward(problem.d_outputs, problem.d_state, truncate=(2, 3)))
    outputs = named(run.backward(problem.d_outputs, truncate=(2, 3)))
    state = named(run.backward(None, problem.d_state, truncate=(2, 3)))
    assert_close({name: outputs[name] + state[name] for name in whole}, whole, 1e-13)
    assert not state["inputs"][:, : T - 3].any() and state["inputs"][:, T - 3 :].all()


@pytest.mark.parametrize("device", DEVICES)
def test_no_steps(device):
    problem = Problem(nr.LSTMCell(H), 0, B, I)
    grads = problem.run(device=device).backward(problem.d_outputs, problem.d_state, truncate=(2, 3))
    assert not grads.params["kernel"].any() and np.array_equal(grads.initial_state.c, problem.d_state.c)


def test_windows():
    assert windows(10, 4, 6) == [Window(0, 4, 0), Window(2, 8, 4), Window(4, 10, 8)]
    assert windows(10, 4, 6, "window") == [Window(0, 4, 0), Window(2, 8, 2), Window(4, 10, 4)]
    assert windows(3, 5, 5) == [Window(0, 3, 0)]
    assert windows(4, 2, 2) == [Window(0, 2, 0), Window(2, 4, 2)]


@pytest.mark.parametrize("steps", [1, 12, 47])
@pytest.mark.parametrize(("k1", "k2"), [(1, 1), (1, 5), (2, 5), (3, 3), (4, 12), (5, 60)])
def test_each_loss_counts_once_and_groups_are_as_few_as_the_theory_says(steps, k1, k2):
    passes = windows(steps, k1, k2)
    assert sorted(t for w in passes for t in range(w.losses, w.end)) == list(range(steps))
    found = groups(passes)
    assert sorted(window for group in found for window in group) == sorted(passes)
    for group in found:
        distinct = {window.start: window for window in group}.values()  # the longest from each start
        assert all(a.end <= b.start for a, b in zip(distinct, [*distinct][1:], strict=False))
    assert len(found) <= math.ceil(k2 / k1) + (steps % k1 > 0)


def test_walks():
    """As many walks back as the windows overlap; one for chunks."""
    problem = Problem(nr.SimpleRNNCell(H), 12, B, I)
    for truncate, expected in (((3, 3), 1), ((3, 6), 2), ((1, 4), 4), ((2, 5), 3), ((1, 12), 1), ((5, 100), 1)):
        run, walks = problem.run(device="numpy"), []
        whole = run.result.backward
        run.result.backward = lambda *given, whole=whole, walks=walks: walks.append(given) or whole(*given)
        run.backward(problem.d_outputs, truncate=truncate)
        assert len(walks) == expected, truncate


@pytest.mark.parametrize("truncate", [3, (3,), (0, 2), (2, 0), (2.0, 3), (True, 3), "ab", (-1, 3)])
def test_refused(truncate):
    run = Problem(nr.LSTMCell(H), T, B, I).run(device="numpy")
    with pytest.raises(nr.InputError, match=r"LSTMCell: expected truncate to be a pair \(k1, k2\) of positive"):
        run.backward(run.outputs, truncate=truncate)


def test_refused_losses():
    run = Problem(nr.LSTMCell(H), T, B, I).run(device="numpy")
    with pytest.raises(nr.InputError, match=r"k2 >= k1, or losses would be lost, got \(3, 2\)"):
        run.backward(run.outputs, truncate=(3, 2))
    with pytest.raises(nr.InputError, match="loss_scope to be 'new' or 'window', got 'all'"):
        run.backward(run.outputs, truncate=(2, 3), loss_scope="all")


def test_both_directions_have_no_past():
    cell = nr.MultiRNNCell([nr.Bidirectional(nr.GRUCell(H)), nr.LSTMCell(4)])
    run = nr.forward(cell, cell.init_params(I), np.ones((B, T, I), "f4"), device="numpy")
    with pytest.raises(nr.InputError, match="Bidirectional: expected no truncate"):
        run.backward(run.outputs, truncate=(2, 3))
    d = tree_map(np.zeros_like, run.state)
    assert run.backward(run.outputs, d).inputs.any()  # the whole gradient is there
