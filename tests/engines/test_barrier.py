"""The barrier of teams, threads that share units: the same bits however they come, and late ones join."""

import ctypes
import sys
import threading
import time

import numba
import numpy as np
import pytest
from helpers.problems import Problem, assert_same_bits

import numbarnn as nr
from numbarnn.engines.cpu import engine, teams
from numbarnn.engines.cpu.barrier import BARRIER, INVITATION, OVER, WORD, finish, try_join
from numbarnn.engines.cpu.kernel_arguments import POSITION
from numbarnn.engines.cpu.plan import plan
from numbarnn.runtime.compile import compiled
from numbarnn.runtime.memory import WHOLE, pointer, put
from numbarnn.runtime.threads import KERNEL

planning = sys.modules[plan.__module__]
CELLS = (nr.SimpleRNNCell, nr.LSTMCell, nr.GRUCell, nr.ResetAfterGRUCell)  # one stage, and two
WAYS = ({}, {"mask"}, {"lengths", "reverse"})


def options_of(problem, names):
    known = {"mask": problem.mask, "lengths": problem.lengths, "reverse": True}
    return {name: known[name] for name in names}


@pytest.fixture
def use(monkeypatch):
    """A function that sets the number of shards, the size of their teams, and how they are run."""

    def use(threads, team, run=None):
        monkeypatch.setattr(engine, "threads_for", lambda multiply_adds: threads)
        monkeypatch.setattr(planning, "team_of", lambda *sizes: team)
        if run is not None:
            monkeypatch.setattr(engine, "run", run)
        plan.cache_clear()

    yield use
    monkeypatch.undo()
    plan.cache_clear()


def caller(kernel):
    return ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 4)(kernel)


def side_by_side(kernel, stages, shards, here):
    """Run each shard of a stage in a Python thread of its own: more threads than cores."""
    call = caller(kernel)
    for stage in range(stages):
        threads = [threading.Thread(target=call, args=(stage, shard, shards, here)) for shard in range(shards)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one thread has nobody to meet")
@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c.__name__)
def test_same_bits_as_one_thread(cell):
    problem = Problem(cell(70), 40, 1, 33, "float32")
    assert plan(problem.cell, problem.x.dtype, 40, 1, 33, True, True, 2).schedule.team == 2
    for names in WAYS:
        results = problem.results(**options_of(problem, names))
        numba.set_num_threads(1)
        try:
            assert_same_bits(problem.results(**options_of(problem, names)), results)
        finally:
            numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)


@pytest.mark.parametrize("dtype", ("float32", "float64"))
@pytest.mark.parametrize("sizes", ((7, 13, 3), (9, 30, 40), (20, 5, 33)), ids=str)
@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c.__name__)
def test_same_bits_for_teams_of_any_size(cell, sizes, dtype, use):
    """Few inputs, many rows, and x W hoisted out of the steps; rows and units are split unevenly."""
    problem = Problem(cell(70), *sizes, dtype)
    for names in WAYS:
        use(1, 1)
        expected = problem.results(**options_of(problem, names))
        for threads, team in ((2, 2), (4, 2), (4, 4), (8, 4), (6, 3)):
            use(threads, team, side_by_side)
            assert_same_bits(problem.results(**options_of(problem, names)), expected)


@pytest.mark.parametrize("order", ((0, 1), (1, 0)))
def test_shards_that_come_one_after_the_other(order, use):
    """The first does all the work, the second leaves."""
    problem = Problem(nr.LSTMCell(70), 40, 1, 33, "float32")
    expected = problem.results()

    def one_after_the_other(kernel, stages, shards, here):
        call = caller(kernel)
        for stage in range(stages):
            for shard in order:
                call(stage, shard, 2, here)

    use(2, 2, one_after_the_other)
    assert_same_bits(problem.results(), expected)


@pytest.mark.parametrize("first", (0, 1))
def test_a_thread_that_comes_late_joins(first, use):
    """It takes its share of the steps that are left, forward and backward, and the bits are the same."""
    problem = Problem(nr.LSTMCell(70), 3000, 2, 33, "float32")
    use(1, 1)
    expected = problem.results()
    joined = set()

    def late(kernel, stages, shards, here):
        call = caller(kernel)
        for stage in range(stages):
            thread = threading.Thread(target=call, args=(stage, first, shards, here))
            thread.start()
            time.sleep(0.002)
            call(stage, 1 - first, shards, here)
            thread.join()
        arguments = np.ctypeslib.as_array((ctypes.c_int64 * len(POSITION)).from_address(here))
        n = {name: int(arguments[i]) for name, i in POSITION.items()}
        barriers = (ctypes.c_int64 * (BARRIER * (n["step_blocks"] + 1))).from_address(n["barriers"])
        invitations = np.ctypeslib.as_array(barriers).reshape(-1, BARRIER)[:, INVITATION // WORD]
        found = invitations[:1] if stages == 2 else invitations[1:]
        joined.update(("forward" if stages == 2 else "backward",) if (found > 0).any() else ())

    use(2, 2, late)
    deadline = time.monotonic() + 60
    while len(joined) < 2 and time.monotonic() < deadline:
        assert_same_bits(problem.results(), expected)
    assert joined == {"forward", "backward"}


def test_everybody_at_a_barrier_agrees():
    """However threads come, either all work or one does."""
    enter = enter_function()
    for _ in range(50):
        barrier, found = np.zeros(BARRIER, np.int64), np.full(3, -1, np.int64)
        at = barrier.__array_interface__["data"][0]
        threads = [
            threading.Thread(target=enter, args=(3, at, found[i : i + 1].__array_interface__["data"][0], 0))
            for i in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) in ([3, 3, 3], [0, 0, 1])
        assert barrier[INVITATION // WORD] == (OVER if 1 in found else 0)


def enter_function():
    def come(members, barrier, result, unused):
        team, _ = try_join(barrier, members)
        put(pointer(WHOLE, result), 0, team)
        finish(barrier, team)

    return caller(compiled(KERNEL, come))


@pytest.mark.parametrize(
    ("T_B_I_H", "threads", "team"),
    (
        ((100, 1, 64, 128), 2, 2),  # one row for two threads
        ((35, 20, 200, 200), 2, 1),  # weights that fit a cache
        ((28, 150, 28, 150), 16, 1),
        ((50, 2048, 512, 512), 2, 1),  # rows enough
        ((50, 2, 2048, 2048), 2, 2),  # threads that only read weights
        ((50, 64, 2048, 2048), 16, 16),
        ((50, 64, 100, 100), 16, 1),  # vectors of units too few to share
    ),
    ids=str,
)
def test_who_forms_teams(T_B_I_H, threads, team, monkeypatch):
    """On a processor whose second-level cache holds 1 MiB."""
    monkeypatch.setattr(teams, "cache_bytes", lambda: 3 << 18)
    T, B, I, H = T_B_I_H
    sizes = nr.LSTMCell(H), np.dtype("float32"), T, B, I, True, False, threads
    make = plan.__wrapped__  # not kept: other tests have this machine's cache
    assert make(*sizes).schedule.team == team
    assert make(nr.LSTMCell(H, num_proj=8), *sizes[1:]).schedule.team == 1
