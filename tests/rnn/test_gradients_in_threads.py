"""One `Run` in several Python threads: each gets what it would get alone."""

import sys
import threading

import numpy as np
import pytest
from helpers.problems import Problem
from numba import config

import numbarnn as nr
from numbarnn.engines.cpu import engine


def in_threads(task, count=4, times=400):
    """What `task(i)` returned or raised, each thread over and over again."""
    found, go = [[] for _ in range(count)], threading.Barrier(count)

    def work(i):
        go.wait()
        for _ in range(times):
            try:
                found[i].append(task(i))
            except Exception as error:
                found[i].append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    return found


def arrays_of(value):
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, tuple):
        value = (value.params, value.inputs, value.initial_state)
    return [array for part in value for array in arrays_of(part)]


@pytest.mark.parametrize("save", ["all", "minimal"])
@pytest.mark.parametrize("device", ["cpu", "njit", "numpy"])
def test_saved_values_belong_to_one_gradient(device, save):
    """A gradient uses up what the forward pass has saved, which states and gates read, too."""
    problem = Problem(nr.LSTMCell(5), 3, 4, 2, "float64")
    run = nr.forward(problem.cell, problem.params, problem.x, device=device, save=save)
    ways = (
        lambda: run.backward(problem.d_outputs, problem.d_state),
        lambda: run.backward(problem.d_outputs),
        lambda: run.states,
        lambda: run.gates,
    )
    expected = [arrays_of(way()) for way in ways]
    times = 20 if device == "numpy" else 400
    for i, found in enumerate(in_threads(lambda i: ways[i](), len(ways), times)):
        for value in found:
            if isinstance(value, Exception):
                raise value
            for array, of_one in zip(arrays_of(value), expected[i], strict=True):
                np.testing.assert_array_equal(array, of_one)


@pytest.mark.skipif(config.DISABLE_JIT, reason="NumPy's engine uses nothing up")
def test_states_and_gates_leave_what_the_gradient_needs(monkeypatch):
    """They do not make the forward pass run again; a second gradient does."""
    passes, forward = [], engine.forward
    monkeypatch.setattr(engine, "forward", lambda *args: passes.append(1) or forward(*args))
    problem = Problem(nr.LSTMCell(5), 3, 4, 2, "float64")
    run = nr.forward(problem.cell, problem.params, problem.x)
    _ = run.states, run.gates, run.states
    run.backward(problem.d_outputs)
    assert len(passes) == 1
    run.backward(problem.d_outputs)
    assert len(passes) == 2
