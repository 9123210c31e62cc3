"""Middle-sized cells in one launch of blocks that wait for each other, in the simulator, against the plain engine."""

from functools import partial

import pytest
from helpers.declared_cells import Last
from helpers.problems import assert_same_bits
from helpers.walk_checks import check, goes_wrong, with_garbage

import numbarnn as nr
from numbarnn.engines.cuda import choose, engine, persistent
from numbarnn.engines.cuda.gpu import H100
from numbarnn.engines.cuda.persistent_plan import plans
from numbarnn.engines.cuda.tuples import fed_by


def walk_together(monkeypatch, processors=4, threads=32, run=None):
    """Let the engine walk with plans of as many blocks as there are multiprocessors; `run`: places of a chunk."""

    def plan_for(tape, backward):
        sizes = tape.cell.units, len(fed_by(tape.cell)), tape.z.shape[1]
        plan = min(
            plans(*sizes, H100._replace(processors=processors), backward, (threads,)),
            key=lambda p: (-p.blocks, p.clocks),
        )
        splits = min(plan.splits, 2)
        return plan._replace(splits=splits, run=run, chunks=-(-plan.depth // (splits * run))) if run else plan

    def walk_for(tape):
        forth, back = plan_for(tape, False), plan_for(tape, True)
        forward = with_garbage(persistent.forward)
        return choose.Walk(partial(forward, plan=forth), partial(persistent.backward, plan=back))

    monkeypatch.setattr(engine, "walk_for", walk_for)


@pytest.mark.parametrize("cell", [nr.SimpleRNNCell(9), nr.UGRNNCell(6), nr.NASCell(5), Last(5)])
def test_cells(monkeypatch, cell):
    walk_together(monkeypatch)
    check(cell, 3, 2, 4)


@pytest.mark.parametrize("options", [{}, {"lengths": True, "reverse": True}, {"mask": True, "resets": 0.4}])
@pytest.mark.parametrize("cell", [nr.LSTMCell(7, use_peepholes=True, cell_clip=0.5), nr.ResetAfterGRUCell(6)])
def test_masks_resets_and_reverse(monkeypatch, cell, options):
    walk_together(monkeypatch)
    check(cell, 4, 5, 2, **options)


@pytest.mark.parametrize("processors, threads, run", [(2, 64, None), (6, 32, 4), (4, 64, 4)])
def test_plans(monkeypatch, processors, threads, run):
    walk_together(monkeypatch, processors, threads, run)
    check(nr.LSTMCell(10), 3, 6, 2)


def test_one_step_one_row_one_unit(monkeypatch):
    walk_together(monkeypatch)
    check(nr.SimpleRNNCell(1), 1, 1, 1)


def test_same_bits_again(monkeypatch):
    walk_together(monkeypatch)
    assert_same_bits(check(nr.LSTMCell(6), 3, 2, 4), check(nr.LSTMCell(6), 3, 2, 4))


def none_at_all(counters, group, arrivals):
    pass


def one_arrival_short(counters, group, arrivals):
    right_wait(counters, group, arrivals - 1)


right_wait = persistent.wait


@pytest.mark.parametrize("wait", [none_at_all, one_arrival_short])
def test_a_wrong_barrier_between_blocks_is_caught(monkeypatch, wait):
    walk_together(monkeypatch)
    monkeypatch.setattr(persistent, "wait", wait)
    assert goes_wrong(nr.LSTMCell(10))


@pytest.mark.parametrize("first", range(2, 7), ids=["chunk", "next chunk", "partial sums", "arrival", "wait"])
def test_a_forgotten_barrier_in_a_block_is_caught(monkeypatch, first):
    """One of the five of each step; two come before the steps."""
    walk_together(monkeypatch, threads=64, run=4)
    assert goes_wrong(nr.LSTMCell(10), range(first, 999, 5))
