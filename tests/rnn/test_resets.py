"""`reset_mask`: states that become zero inside a sequence."""

import numba
import numpy as np
import pytest
from helpers.problems import Problem, assert_close, assert_same_bits
from helpers.truncation import BOUNDS, COMPOSITES, DEVICES, SHAPE, assert_is_the_definition, gradients, named

import numbarnn as nr
from numbarnn.runtime import workspace
from numbarnn.utils.tree import tree_leaves
from validation import references
from validation.cases import Call, Case, fitted

T, B, I, H = SHAPE
RESETS = np.array([[0, 0, 0, 1, 0, 0, 0], [1, 1, 0, 0, 0, 1, 1], [0] * 7, [0, 1, 0, 1, 1, 0, 0]], bool)
CELLS = (nr.LSTMCell(H), nr.GRUCell(H), nr.SimpleRNNCell(H), nr.LSTMCell(H, num_proj=4), nr.ResetAfterGRUCell(H))


@pytest.mark.parametrize("masking", ["none", "lengths", "mask"])
@pytest.mark.parametrize("cell", ["LSTMCell", "GRUCell", "SimpleRNNCell"])
def test_definition(cell, masking):
    call = Call(initial_state=True, masking=masking, resets=True, time_major=masking == "none")
    assert_is_the_definition(Case(cell, {}, SHAPE, call))


@pytest.mark.parametrize("options", [{"num_proj": 4}, {"num_proj": 9, "use_peepholes": True, "cell_clip": 0.5}])
def test_definition_of_projected_cells(options):
    call = Call(initial_state=True, masking="mask", resets=True, truncate=(2, 3))
    assert_is_the_definition(Case("LSTMCell", options, SHAPE, call))


@pytest.mark.parametrize("cell", COMPOSITES)
def test_definition_of_composites(cell):
    call = Call(initial_state=True, masking="mask", resets=True, save="minimal")
    assert_is_the_definition(fitted(references.load()[cell], {}, SHAPE, call)[-1])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("cell", CELLS, ids=repr)
def test_rows_fall_apart_into_sequences_of_their_own(cell, device):
    """Outputs, states, gates and input gradients of each piece are those of a run of its own, from zeros; the state
    before a reset is seen as it was."""
    problem = Problem(cell, T, B, I)
    run = problem.run(reset_mask=RESETS, device=device)
    grads = run.backward(problem.d_outputs, problem.d_state)
    total = {name: 0 for name in problem.params}
    for b in range(B):
        row, cuts = slice(b, b + 1), [t for t in range(1, T) if RESETS[b, t]]
        for start, end in zip([0, *cuts], [*cuts, T], strict=True):
            state = None if RESETS[b, start] else problem.cell.State(*(s[row] for s in problem.state))
            d_state = problem.cell.State(*(d[row] for d in problem.d_state)) if end == T else None
            piece = nr.forward(cell, problem.params, problem.x[row, start:end], initial_state=state, device=device)
            d = piece.backward(problem.d_outputs[row, start:end], d_state)
            assert_close({"y": run.outputs[row, start:end]}, {"y": piece.outputs}, 1e-13)
            for name, states in (run.states | run.gates).items():
                assert_close({name: states[row, start:end]}, {name: (piece.states | piece.gates)[name]}, 1e-13)
            assert_close({"dx": grads.inputs[row, start:end]}, {"dx": d.inputs}, 1e-12)
            if start == 0:
                expected = {n: np.zeros_like(a) if RESETS[b, 0] else a for n, a in d.initial_state._asdict().items()}
                assert_close({n: a[row] for n, a in grads.initial_state._asdict().items()}, expected, 1e-12)
            total = {name: total[name] + g for name, g in d.params.items()}
        assert_close({n: a[row] for n, a in run.state._asdict().items()}, piece.state._asdict(), 1e-13)
    assert_close(grads.params, total, 1e-12)


@pytest.mark.parametrize("device", DEVICES)
def test_no_resets_and_all(device):
    problem = Problem(nr.LSTMCell(H), T, B, I, "float32")
    none = problem.results(reset_mask=np.zeros((B, T), bool), device=device)
    assert_same_bits(none, problem.results(device=device))
    run = problem.run(reset_mask=np.ones((B, T), bool), device=device)
    single, _ = problem.cell.step(problem.params, problem.x.reshape(B * T, I), device=device)
    assert_close({"y": run.outputs.reshape(B * T, H)}, {"y": single}, 1e-6)


@pytest.mark.parametrize("device", DEVICES)
def test_a_masked_step_with_a_reset(device):
    """The state is zero after it."""
    problem = Problem(nr.LSTMCell(H), T, B, I)
    mask, resets = np.ones((B, T), bool), np.zeros((B, T), bool)
    mask[:, T - 1] = resets[:, T - 1] = False
    resets[2, T - 1] = True
    run = problem.run(mask=mask, reset_mask=resets, device=device)
    assert not run.state.h[2].any() and not run.state.c[2].any()
    assert run.state.h[[0, 1, 3]].all() and run.states["c"][2, T - 2].all()
    assert not run.backward(None, problem.d_state).inputs[2].any()


@pytest.mark.parametrize("device", DEVICES)
def test_nothing_passes_a_reset(device):
    """Not even NaN, in either direction."""
    problem = Problem(nr.LSTMCell(H), T, B, I)
    expected = problem.run(reset_mask=RESETS, device=device)
    expected_inputs = expected.backward(problem.d_outputs).inputs
    problem.x[0, 1] = problem.d_outputs[3, 3] = np.nan
    run = problem.run(reset_mask=RESETS, device=device)
    inputs = run.backward(problem.d_outputs).inputs
    for b, good in ((0, slice(3, T)), (3, slice(0, 3)), (1, slice(0, T))):
        assert np.array_equal(run.outputs[b, good], expected.outputs[b, good])
        assert np.array_equal(inputs[b, good], expected_inputs[b, good])
    assert np.isnan(run.outputs[0, 1:3]).all() and np.isnan(inputs[3, 3]).all()


@pytest.mark.parametrize("shape", [(60, 1, 33, 70), (30, 9, 20, 40)], ids=["units shared", "rows shared"])
@pytest.mark.parametrize("cell", [nr.LSTMCell, nr.GRUCell], ids=lambda c: c.__name__)
def test_same_bits_for_any_number_of_threads(cell, shape):
    steps, batch, inputs, units = shape
    problem = Problem(cell(units), steps, batch, inputs, "float32")
    options = {"reset_mask": np.random.default_rng(0).random((batch, steps)) < 0.2, "mask": problem.mask}
    found = problem.results(**options)
    assert_close(found, problem.results(device="numpy", **options), 1e-5)
    numba.set_num_threads(1)
    try:
        assert_same_bits(problem.results(**options), found)
    finally:
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)


@pytest.mark.parametrize("cell", CELLS, ids=repr)
def test_every_entry_is_written(cell, monkeypatch):
    """With memory full of NaN instead of whatever was there, nothing changes."""
    take = workspace.take

    def poisoned(size):
        lease = take(size)
        np.asarray(lease).view(np.uint64)[:] = np.float64(np.nan).view(np.uint64)
        return lease

    problem = Problem(cell, T, B, I)
    for options in ({}, {"mask": problem.mask}, {"save": "minimal"}):
        run = problem.run(reset_mask=RESETS, **options)
        expected = {"y": run.outputs.copy()} | gradients(problem, run, truncate=(2, 3))
        with monkeypatch.context() as patch:
            patch.setattr(workspace, "take", poisoned)
            run = problem.run(reset_mask=RESETS, **options)
            assert_same_bits({"y": run.outputs.copy()} | gradients(problem, run, truncate=(2, 3)), expected)


def test_minimal_and_again():
    problem = Problem(nr.LSTMCell(H), T, B, I)
    run, minimal = (problem.run(reset_mask=RESETS, save=save) for save in ("all", "minimal"))
    expected = gradients(problem, run)
    for again in (run, minimal):
        assert_same_bits(gradients(problem, again), expected)
        for name, states in again.states.items():
            assert np.array_equal(states, run.states[name])
    for a, b in zip(tree_leaves(minimal.state), tree_leaves(run.state), strict=True):
        assert np.array_equal(a, b)


def test_in_training():
    """States that wrappers add to a cell's own, and masks."""
    lstm = nr.LSTMCell(H)
    for cell in (
        nr.DropoutWrapper(lstm, state_keep_prob=0.6, output_keep_prob=0.7),
        nr.RecurrentDropoutWrapper(lstm, 0.4),
        nr.ZoneoutWrapper(lstm, zoneout_h=0.3, zoneout_c=0.2),
        nr.DropConnectWrapper(lstm, 0.3),
    ):
        problem = Problem(lstm, T, B, I)
        problem.cell = cell
        found = []
        for device in DEVICES:
            run = problem.run(reset_mask=RESETS, training=True, rng=3, device=device)
            grads = run.backward(problem.d_outputs, problem.d_state)
            found.append({"y": run.outputs.copy()} | named(grads))
        assert_close(*found, BOUNDS["float64"])
        assert not grads.initial_state.h[1].any() and grads.initial_state.h[2].any()


def test_refused():
    problem = Problem(nr.LSTMCell(H), T, B, I)
    with pytest.raises(nr.InputError, match=r"LSTMCell: expected reset_mask of shape \(4, 7\), got \(7, 4\)"):
        problem.run(reset_mask=RESETS.T)
    with pytest.raises(nr.InputError, match="expected reset_mask of dtype bool, got int64"):
        problem.run(reset_mask=RESETS.astype(int))
    with pytest.raises(nr.InputError, match="LSTMCell: expected no reset_mask with reverse"):
        problem.run(reset_mask=RESETS, reverse=True)
    both = nr.Bidirectional(nr.GRUCell(H))
    with pytest.raises(nr.InputError, match="Bidirectional: expected no reset_mask"):
        nr.forward(both, both.init_params(I), np.ones((B, T, I), "f4"), reset_mask=RESETS)
