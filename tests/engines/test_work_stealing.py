"""Work stealing: rows that change threads within a pass."""

import ctypes
import threading
import time

import numba
import numpy as np
import pytest
from helpers.problems import Problem, assert_same_bits

import numbarnn as nr
from numbarnn.engines.cpu import engine
from numbarnn.engines.cpu.kernel_arguments import POSITION
from numbarnn.engines.cpu.work_stealing import ACTIVE, LAST, MIN_ROWS, WAITING, offer_rows, start, steal_rows
from numbarnn.runtime.compile import compiled
from numbarnn.runtime.memory import WHOLE, pointer, put
from numbarnn.runtime.threads import KERNEL

SIZES = 30, 100, 20  # several blocks of steps
CELLS = {
    "one stage": nr.LSTMCell(70),
    "two stages": nr.GRUCell(70),
    "projection": nr.LSTMCell(70, use_peepholes=True, num_proj=20, proj_clip=0.5),
    "norm": nr.LayerNormBasicLSTMCell(70),
    "one slot": nr.SimpleRNNCell(70),
}


def memory(address, count):
    return np.ctypeslib.as_array((ctypes.c_int64 * count).from_address(address))


class OneWaits:
    """Runs the second shard of each stage before the first, which finds it waiting; counts what it steals."""

    def __init__(self):
        self.steals = 0

    def __call__(self, kernel, stages, shards, here):
        call = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 4)(kernel)
        place = memory(int(memory(here, len(POSITION))[POSITION["stealing"]]), 5)
        for stage in range(stages):
            place[LAST], place[ACTIVE] = 0, 1  # as if a third thread walked
            second = threading.Thread(target=call, args=(stage, 1, shards, here))
            second.start()
            while place[0] != WAITING and second.is_alive():
                pass
            call(stage, 0, shards, here)
            second.join()
            assert place[ACTIVE] == 1 and place[0] == 0
            self.steals += int(place[LAST] > 0)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one thread has nobody to help")
@pytest.mark.parametrize("options", ({}, {"mask": True}, {"resets": True}, {"reverse": True}), ids=str)
@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_the_same_bits_whoever_walks(cell, options, monkeypatch):
    problem = Problem(cell, *SIZES, "float32")
    if "mask" in options:
        options = {"mask": problem.mask}
    if "resets" in options:
        options = {"reset_mask": np.random.default_rng(1).random(problem.mask.shape) < 0.2}
    expected, one_waits = problem.results(**options), OneWaits()
    monkeypatch.setattr(engine, "run", one_waits)
    # A machine may be too busy for the first to come while the second waits, which is some 2 ms.
    deadline = time.monotonic() + 60
    while one_waits.steals <= 1 and time.monotonic() < deadline:
        assert_same_bits(problem.results(**options), expected)
    assert one_waits.steals > 1


@pytest.mark.parametrize("rows", (1, 2, 5, 7, 9, 40))
@pytest.mark.parametrize("cell", (nr.LSTMCell(70), nr.LayerNormBasicLSTMCell(70)), ids=lambda c: type(c).__name__)
def test_nobody_waits_for_a_thread_without_rows(cell, rows, monkeypatch):
    """After each run no thread is left at the mailbox, or there is none; two threads, whose shares may be empty."""
    left, run = [], engine.run

    def watched(kernel, stages, shards, here):
        run(kernel, stages, shards, here)
        place = int(memory(here, len(POSITION))[POSITION["stealing"]])
        left.append((shards, memory(place, 2).tolist() if place else None))

    monkeypatch.setattr(engine, "threads_for", lambda multiply_adds: 2)
    monkeypatch.setattr(engine, "run", watched)
    Problem(cell, 6, rows, 20, "float32").results()
    nobody = [0, 0] if rows >= 2 * MIN_ROWS else None
    assert left == [(2, nobody)] * 2


def protocol():
    def meet(what, place, t, result):
        out = pointer(WHOLE, result)
        if what == 0:
            start(place)
        elif what == 1:
            put(out, 0, offer_rows(place, t, 10, 10 + t))
        else:
            found = steal_rows(place)
            for i in range(3):
                put(out, i, found[i])

    return ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 4)(compiled(KERNEL, meet))


def test_who_waits_gets_half_and_who_is_alone_nothing():
    call, place, out = protocol(), np.zeros(8, np.int64), np.full(3, -1, np.int64)
    at, to = place.ctypes.data, out.ctypes.data
    call(0, at, 0, to)
    call(1, at, 9, to)
    assert out[0] == 19 and place[ACTIVE] == 1  # nobody waits: all rows stay
    call(2, at, 0, to)
    assert not out.any() and not place.any()  # nobody walks: nothing to wait for
    place[:2] = WAITING, 1
    call(1, at, MIN_ROWS - 1, to)
    assert out[0] == 10 + MIN_ROWS - 1 and place[0] == WAITING  # too few to share
    call(1, at, 9, to)
    assert out[0] == 15 and place[ACTIVE] == 2
    assert list(place[2:5]) == [9, 15, 19]


def test_who_waits_in_vain_leaves():
    call, place, out = protocol(), np.zeros(8, np.int64), np.full(3, -1, np.int64)
    place[ACTIVE] = 2
    call(2, place.ctypes.data, 0, out.ctypes.data)
    assert not out.any() and place[0] == 0 and place[ACTIVE] == 1
