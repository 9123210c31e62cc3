"""`save="sqrt"`: the bits of `save="all"`, from segments that run once more, in little memory."""

import threading
import tracemalloc

import numba
import numpy as np
import pytest
from helpers.problems import Problem, assert_same_bits
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn.engines.cpu import plan, segments
from numbarnn.runtime import workspace
from numbarnn.utils.tree import tree_leaves, tree_map

# T, B: rows along the batch; along time, where a partial sum takes 128 steps; and a first segment of another length
SIZES = {"rows": (67, 13), "few rows": (400, 3), "one segment": (5, 13)}


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch):
    """Blocks of a single partial sum, so that short sequences have several segments."""
    monkeypatch.setattr(plan, "DZ_BYTES", 1)
    plan.plan.cache_clear()
    yield
    plan.plan.cache_clear()


def count(T, B):
    cell = nr.LSTMCell(7)
    return len(segments.lengths(cell, np.dtype("float32"), T, B, 5, keep=True))


def test_segments_are_whole_blocks_behind_the_first():
    assert [count(*size) for size in SIZES.values()] == [7, 3, 1]
    cell = nr.LSTMCell(7)
    for T in range(1, 400, 7):
        for B in (1, 7, 8, 40, 200):
            block = max(1, 128 // B) if B >= 8 or B >= T else 128
            first, *others = segments.lengths(cell, np.dtype("float32"), T, B, 5, keep=True)
            assert first + sum(others) == T and len(set(others)) <= 1
            assert all(n % block == 0 and n <= first < 2 * n for n in others)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cell", nr.CELLS.values(), ids=lambda cell: cell.__name__)
def test_every_cell(cell, size):
    T, B = SIZES[size]
    problem = Problem(cell(7), T, B, 5, "float32")
    ways = ({}, {"lengths": problem.lengths, "reverse": True}, {"mask": problem.mask, "reset_mask": problem.mask[::-1]})
    for options in ways:
        expected = problem.results(**options)
        for save in ("sqrt", "minimal"):
            assert_same_bits(problem.results(save=save, **options), expected)


@pytest.mark.parametrize(
    "options", [{"num_proj": 3}, {"use_peepholes": True}, {"num_proj": 3, "proj_clip": 0.1}], ids=str
)
def test_projections_and_peepholes(options):
    problem = Problem(nr.LSTMCell(7, **options), 67, 13, 5, "float64")
    assert_same_bits(problem.results(save="sqrt", lengths=problem.lengths), problem.results(lengths=problem.lengths))


RANDOM = {
    "noise of a cell": nr.LayerNormBasicLSTMCell(7, dropout_keep_prob=0.7),
    "zoneout": nr.ZoneoutWrapper(nr.LSTMCell(7), zoneout_h=0.2, zoneout_c=0.3),
    "state dropout": nr.DropoutWrapper(nr.GRUCell(7), state_keep_prob=0.6),
    "one mask for all steps": nr.DropoutWrapper(nr.GRUCell(7), state_keep_prob=0.6, variational_recurrent=True),
    "recurrent dropout": nr.RecurrentDropoutWrapper(nr.LSTMCell(7), 0.6),
    "both directions": nr.Bidirectional(nr.LSTMCell(7), nr.GRUCell(4)),
    "a stack": nr.MultiRNNCell([nr.LSTMCell(7), nr.DropoutWrapper(nr.GRUCell(4), output_keep_prob=0.6), nr.SRUCell(3)]),
    "tokens": nr.EmbeddingWrapper(nr.LSTMCell(7), 9, 4),
    "a grid": nr.GridLSTMCell(3, feature_size=2, frequency_skip=1, num_frequency_blocks=(4,)),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", RANDOM)
def test_random_and_composite_cells(name, size):
    (T, B), cell, rng = SIZES[size], RANDOM[name], np.random.default_rng(0)
    x = rng.integers(0, 9, (B, T)) if cell.takes_integers else rng.standard_normal((B, T, 5), "float32")
    params = cell.init_params(None if cell.takes_integers else 5, rng=1)
    state = tree_map(lambda n: rng.standard_normal((B, n), "float32"), cell.state_size)
    found = []
    for save in ("sqrt", "all"):
        run = nr.forward(cell, params, x, initial_state=state, training=True, rng=3, save=save)
        truncate = None if isinstance(cell, nr.Bidirectional) else (20, 30)
        grads = run.backward(run.outputs, run.state, truncate=truncate)
        full = run.backward(run.outputs)  # asked a second time
        arrays = [run.outputs, *tree_leaves(run.state), *run.gates.values(), *run.states.values()]
        for g in (grads, full):
            arrays += [*g.params.values(), *tree_leaves(g.initial_state), *([] if g.inputs is None else [g.inputs])]
        found.append(arrays)
    for a, b in zip(*found, strict=True):
        assert_array_equal(a, b)


def test_on_other_devices_it_is_minimal():
    problem = Problem(nr.GRUCell(4), 20, 3, 2)
    assert_same_bits(problem.results(save="sqrt", device="numpy"), problem.results(device="numpy"))
    run = problem.run(save="sqrt", device="numpy")
    assert not run.arguments[4].keep


def test_several_threads_ask_one_run():
    problem = Problem(nr.GRUCell(7), 67, 13, 5, "float32")
    run, found = problem.run(save="sqrt"), []
    expected = problem.run().backward(problem.d_outputs)
    ask = [threading.Thread(target=lambda: found.append(run.backward(problem.d_outputs))) for _ in range(4)]
    [t.start() for t in ask], [t.join() for t in ask]
    assert len(found) == 4
    for grads in found:
        assert_array_equal(grads.params["kernel"], expected.params["kernel"])
        assert_array_equal(grads.inputs, expected.inputs)


def peak(save, T):
    """Return the megabytes of a run and its gradient at 32 rows and 64 units, and those of outputs and dx alone."""
    cell, d = nr.LSTMCell(64), np.ones((32, T, 64), "float32")
    params, x = cell.init_params(64), np.ones((32, T, 64), "float32")
    workspace.clear()
    tracemalloc.start()
    try:
        nr.forward(cell, params, x, save=save).backward(d)
        return tracemalloc.get_traced_memory()[1] / 2**20, 2 * d.nbytes / 2**20
    finally:
        tracemalloc.stop()
        workspace.clear()


def test_the_peak_grows_with_the_root_of_the_steps():
    peak("all", 8)  # kernels and tables that are made once
    (everything, _), (minimal, _) = peak("all", 256), peak("minimal", 256)
    (short, own), (four_times, own_of_four) = peak("sqrt", 256), peak("sqrt", 1024)
    assert 2.5 * short < everything and minimal < short + own  # beside the outputs of the first pass
    assert short - own < 3 and four_times - own_of_four < 2.2 * (short - own)


def test_a_pass_of_few_rows_that_keeps_nothing_needs_little_beside_its_outputs():
    cell, T = nr.LSTMCell(64), 20_000
    params, x = cell.init_params(8), np.ones((2, T, 8), "float32")
    nr.forward(cell, params, x[:, :8], save="minimal")
    workspace.clear()
    tracemalloc.start()
    try:
        run = nr.forward(cell, params, x, save="minimal")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        workspace.clear()
    assert run.outputs.nbytes == 2 * T * 64 * 4
    assert most < 1.25 * run.outputs.nbytes + 8 * 2**20  # x W of all steps would be four times the outputs


def test_swapped_memory_is_in_segments(monkeypatch):
    used, forward = [], segments.forward
    monkeypatch.setattr(segments, "forward", lambda *arguments: used.append(arguments) or forward(*arguments))
    problem = Problem(nr.GRUCell(7), 67, 13, 5, "float32")
    run = nr.dynamic_rnn(problem.cell, problem.params, problem.x, swap_memory=True)
    grads, expected = (
        r.backward(problem.d_outputs) for r in (run, nr.forward(problem.cell, problem.params, problem.x))
    )
    assert len(used) == 1
    assert_array_equal(grads.inputs, expected.inputs)


@pytest.mark.parametrize("cell", [nr.LSTMCell(70), nr.GRUCell(70)], ids=lambda cell: type(cell).__name__)
def test_threads_that_share_panels_meet_in_every_block(cell):
    """Fewer rows than threads, in several blocks of steps."""
    problem = Problem(cell, 400, 1, 90, "float32")
    assert plan.steps_of_block(plan.sizes_of(cell, np.dtype("float32"), 400, 1, 90, 90), plan.slots_of(cell)) == 128
    expected = problem.results()
    assert_same_bits(problem.results(save="sqrt"), expected)
    numba.set_num_threads(1)
    try:
        assert_same_bits(problem.results(), expected)
    finally:
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
