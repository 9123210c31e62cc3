"""Small cells in one launch, a block for a few rows, in the simulator, against the plain engine."""

from functools import partial

import numpy as np
import pytest
from helpers.declared_cells import DECLARED
from helpers.problems import assert_same_bits
from helpers.walk_checks import check, goes_wrong, with_garbage

import numbarnn as nr
from numbarnn.engines.cuda import choose, engine, scalars, small, small_twice
from numbarnn.engines.cuda.small_plan import plan_with
from numbarnn.engines.cuda.tuples import fed_by

ALL = nr.CELLS | {cell.__name__: cell for cell in DECLARED}
PLAIN = [name for name, cell in ALL.items() if choose.is_plain(cell(4))]


TWICE = [name for name, cell in ALL.items() if small_twice.multiplies_twice(cell(4))]


def walk_small(monkeypatch, lanes=2, rows=1, kept=None, walk=small):
    """Let the engine walk with plans of this shape; `kept`: places whose weights stay in registers."""

    def plan_for(tape, backward):
        gates = len(fed_by(tape.cell) + fed_by(tape.cell, "q"))
        plan = plan_with(tape.cell.units, gates, lanes, rows, backward)
        return plan if kept is None else plan._replace(kept=kept)

    def walk_for(tape):
        forth, back = plan_for(tape, False), plan_for(tape, True)
        return choose.Walk(partial(with_garbage(walk.forward), plan=forth), partial(walk.backward, plan=back))

    monkeypatch.setattr(engine, "walk_for", walk_for)


@pytest.mark.parametrize("name", PLAIN)
def test_every_plain_cell(monkeypatch, name):
    walk_small(monkeypatch)
    check(ALL[name](5), 3, 2, 4)


@pytest.mark.parametrize("options", [{}, {"lengths": True, "reverse": True}, {"mask": True, "resets": 0.4}])
@pytest.mark.parametrize("cell", [nr.LSTMCell(7, use_peepholes=True, cell_clip=0.5), nr.ResetAfterGRUCell(6)])
def test_masks_resets_and_reverse(monkeypatch, cell, options):
    walk_small(monkeypatch, lanes=4, rows=2)
    check(cell, 5, 3, 2, **options)


@pytest.mark.parametrize("lanes, rows, kept", [(1, 1, 4), (2, 2, 4), (4, 4, 4), (4, 1, 4), (1, 1, 16)])
def test_plans(monkeypatch, lanes, rows, kept):
    """Weights partly in shared memory, rows that fill no block, and parts that no unit fills."""
    walk_small(monkeypatch, lanes, rows, min(kept, plan_with(13, 4, lanes, rows, False).part))
    check(nr.LSTMCell(13), 3, 5, 2, resets=0.3)


def test_one_step_one_row_one_unit(monkeypatch):
    walk_small(monkeypatch, lanes=1)
    for cell in (nr.SimpleRNNCell(1), nr.LSTMCell(1), nr.LSTMCell(9)):
        check(cell, 1, 1, 1)


def test_same_bits_again(monkeypatch):
    walk_small(monkeypatch, lanes=4)
    assert_same_bits(check(nr.LSTMCell(6), 3, 2, 4), check(nr.LSTMCell(6), 3, 2, 4))


@pytest.mark.parametrize(
    "forgotten", [(0,), (1,), (2,), range(2, 99)], ids=["first", "second", "third", "all of steps"]
)
def test_a_forgotten_barrier_is_caught(monkeypatch, forgotten):
    """The barrier before the first h is written, that after it, that of one step, and those of all steps."""
    walk_small(monkeypatch)
    assert goes_wrong(nr.LSTMCell(40), forgotten)


def test_sigmoid_and_tanh_of_kernels():
    """In float32, against float64: relative errors over all sizes, and what is no number."""
    sizes = np.concatenate([np.geomspace(1e-30, 1, 2000), np.linspace(0.3, 87, 4000)])
    x = np.concatenate([sizes, -sizes]).astype(np.float32)
    wide = x.astype(float)
    for function, truth in ((scalars.tanh, np.tanh(wide)), (scalars.sigmoid, 1 / (1 + np.exp(-wide)))):
        np.testing.assert_allclose([function(one) for one in x], truth, rtol=3e-7)
    with np.errstate(over="ignore", invalid="ignore"):
        ends = np.float32([np.inf, -np.inf, np.nan, 100, -100])
        np.testing.assert_array_equal([scalars.tanh(one) for one in ends], [1, -1, np.nan, 1, -1])
        np.testing.assert_allclose([scalars.sigmoid(one) for one in ends], [1, 0, np.nan, 1, 0], atol=1e-38)


@pytest.mark.parametrize("name", TWICE)
def test_every_cell_that_multiplies_twice(monkeypatch, name):
    walk_small(monkeypatch, walk=small_twice)
    check(ALL[name](5), 3, 2, 4)


@pytest.mark.parametrize("options", [{}, {"lengths": True, "reverse": True}, {"mask": True, "resets": 0.4}])
@pytest.mark.parametrize("lanes, rows, kept", [(1, 1, 4), (2, 2, 4), (4, 2, 4)])
def test_twice_with_masks_resets_and_plans(monkeypatch, lanes, rows, kept, options):
    walk_small(monkeypatch, lanes, rows, kept, small_twice)
    check(nr.GRUCell(13, activation="softsign", update="seed"), 4, 3, 2, **options)


@pytest.mark.parametrize("first", range(3, 5), ids=["q", "h"])
def test_a_forgotten_barrier_between_two_products_is_caught(monkeypatch, first):
    """One of the two of each step; three come before the steps."""
    walk_small(monkeypatch, walk=small_twice)
    assert goes_wrong(nr.GRUCell(40), range(first, 999, 2))


def test_cells_that_multiply_twice():
    assert {"GRUCell", "GRUBlockCell"} <= set(TWICE)
    assert not {"LSTMCell", "LayerNormGRUCell", "LayerNormLSTMCell"} & set(TWICE)
    assert not small_twice.multiplies_twice(nr.GRUCell(4, num_proj=3))
