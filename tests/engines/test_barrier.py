"""The spin barrier of threads that share the units, and its fallback when they do not run at the same time."""

import ctypes
import threading

import numba
import numpy as np
import pytest
from helpers.problems import Problem, assert_same_bits

import numbarnn as nr
from numbarnn.engines.cpu import engine
from numbarnn.engines.cpu.barrier import try_join
from numbarnn.engines.cpu.plan import plan
from numbarnn.runtime.compile import compiled
from numbarnn.runtime.memory import WHOLE, pointer, put
from numbarnn.runtime.threads import KERNEL

CELLS = (nr.SimpleRNNCell, nr.LSTMCell, nr.GRUCell, nr.ResetAfterGRUCell)  # one stage, and two


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one thread has nobody to meet")
@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c.__name__)
def test_same_bits_as_one_thread(cell):
    problem = Problem(cell(70), 40, 1, 33, "float32")
    assert plan(problem.cell, problem.x.dtype, 40, 1, 33, True, True, 2).schedule.by_panels
    for options in ({}, {"mask": problem.mask}, {"lengths": problem.lengths, "reverse": True}):
        results = problem.results(**options)
        numba.set_num_threads(1)
        try:
            assert_same_bits(problem.results(**options), results)
        finally:
            numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)


@pytest.mark.parametrize("order", ((0, 1), (1, 0)))
def test_shards_that_come_one_after_the_other(order, monkeypatch):
    """The first does all the work, the second leaves."""
    problem = Problem(nr.LSTMCell(70), 40, 1, 33, "float32")
    expected = problem.results()

    def one_after_the_other(kernel, stages, shards, here):
        call = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 4)(kernel)
        for stage in range(stages):
            for shard in order:
                call(stage, shard, 2, here)

    monkeypatch.setattr(engine, "threads_for", lambda multiply_adds: 2)
    monkeypatch.setattr(engine, "run", one_after_the_other)
    assert_same_bits(problem.results(), expected)


def test_everybody_at_a_gate_agrees():
    """However threads come, either all work or one does."""
    enter = gate_function()
    for _ in range(50):
        gate, found = np.zeros(16, np.int64), np.full(3, -1, np.int64)
        at = gate.__array_interface__["data"][0]
        threads = [
            threading.Thread(target=enter, args=(3, at, found[i : i + 1].__array_interface__["data"][0], 0))
            for i in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) in ([3, 3, 3], [0, 0, 1])


def gate_function():
    def come(shards, gate, result, unused):
        put(pointer(WHOLE, result), 0, try_join(gate, shards))

    return ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 4)(compiled(KERNEL, come))
