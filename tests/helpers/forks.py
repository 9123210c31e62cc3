"""Run as a script, `forks.py LAYER TASK`: processes forked after kernels ran on threads must give the same bits."""

import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor

import numba
import numpy as np

import numbarnn as nr
from numbarnn.runtime import threads, workspace
from numbarnn.runtime.compile import FunctionIdentity, compiled

CELL = nr.LSTMCell(60)
PARAMS = CELL.init_params(30)
X = np.random.default_rng(0).standard_normal((40, 25, 30)).astype("f4")
FEW = X[:3]  # fewer rows than threads: these walk together
SECONDS = 240  # after which a process that hangs is ended


def digest(x=X, run=None):
    """All bits of a run and its gradient."""
    run = run or nr.forward(CELL, PARAMS, x)
    found = run.backward(run.outputs)
    return b"".join(a.tobytes() for a in (run.outputs, found.inputs, *found.params.values()))


def everything(_=None):
    """Of many rows and of few, with a dense layer and an update, and how often a process is warned."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        layer = nr.layers.Dense(50)
        found = [digest(), digest(FEW), np.asarray(layer(np.concatenate([X] * 4))).tobytes()]
        params = {"w": np.ones((400, 400), "f4")}
        nr.optimizers.SGD().apply(params, {"w": np.ones((400, 400), "f4")})
    texts = [str(w.message) for w in caught if "spawn" in str(w.message)]
    assert len(texts) == len(caught), caught
    return b"".join((*found, params["w"].tobytes())), len(texts)


def forked(task):
    """What a task gives in a forked process; raises `AssertionError` unless it ends well."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reading)
            signal.alarm(SECONDS)
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(repr(task()).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    status = os.waitpid(pid, 0)[1]
    assert status == 0, f"the child ended with {status}"
    return eval(text)


def in_a_child():
    expected, warned = everything()
    assert warned == 0
    run, few = nr.forward(CELL, PARAMS, X), nr.forward(CELL, PARAMS, FEW)  # made of parts for several threads
    of_run, of_few = digest(run=run), digest(run=few)
    assert forked(everything) == (expected, 1)
    assert forked(lambda: (digest(run=run), digest(run=few))) == (of_run, of_few)
    assert forked(lambda: forked(everything)) == (expected, 1)  # a child of a child
    assert everything() == (expected, 0)  # the parent goes on on its threads


def in_pools():
    expected = everything()[0]
    context = multiprocessing.get_context("fork")
    for _ in range(2):
        with context.Pool(2) as pool:
            assert pool.map_async(everything, range(4)).get(SECONDS)[0][0] == expected
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            assert all(found[0] == expected for found in pool.map(everything, range(4), timeout=SECONDS))
    process = context.Process(target=everything)  # which ends as a program does, not by os._exit
    process.start()
    process.join(SECONDS)
    assert process.exitcode == 0


def while_another_thread_trains():
    expected = everything()[0]
    stop = threading.Event()
    model = nr.Sequential([nr.layers.Input((25, 30)), nr.layers.LSTM(60), nr.layers.Dense(1)])
    model.compile("adam", "mse")

    def train():
        while not stop.is_set():
            model.fit(X, np.zeros((len(X), 1), "f4"), verbose=0)

    thread = threading.Thread(target=train)
    thread.start()
    try:
        for _ in range(40):
            time.sleep(0.003)
            assert forked(everything) == (expected, 1)
        context = multiprocessing.get_context("fork")
        with context.Pool(2) as pool:
            assert pool.map_async(everything, range(4)).get(SECONDS)[0][0] == expected
    finally:
        stop.set()
        thread.join()


def while_another_thread_holds_a_lock():
    expected = everything()[0]
    for lock in (threads._one_at_a_time, workspace._lock):
        held, done = threading.Event(), threading.Event()

        def hold(lock=lock, held=held, done=done):
            with lock:
                held.set()
                done.wait()

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait()
        try:
            assert forked(everything) == (expected, 1)
        finally:
            done.set()
            thread.join()


def kernel(scale):
    def function(a):
        return a * scale + 1

    return compiled(numba.types.int64(numba.types.int64), function)


def while_another_thread_compiles():
    """The child compiles as well, and numbers its functions as no other process does."""
    expected, stop = everything()[0], threading.Event()
    threads.threads_for(1 << 40)

    def go_on_compiling():
        i = 0
        while not stop.is_set():
            i += 1
            kernel(1000 * os.getpid() + i)

    thread = threading.Thread(target=go_on_compiling)
    thread.start()
    try:
        numbers = [forked(lambda: (kernel(7) > 0, next(FunctionIdentity._unique_ids)))[1] for _ in range(6)]
        assert len(set(numbers)) == 6, "two processes number functions alike"
        assert forked(everything) == (expected, 1)
    finally:
        stop.set()
        thread.join()


def before_any_thread():
    """A process that was forked before threads had started has some of its own, and no reason to warn."""
    count, (expected, warned) = forked(lambda: (threads.threads_for(1 << 40), everything()))
    assert count > 1 and warned == 0
    assert everything() == (expected, 0)


if __name__ == "__main__":
    warnings.filterwarnings("ignore", ".*multi-threaded.*fork", DeprecationWarning)  # Python's own, from 3.12 on
    numba.config.THREADING_LAYER = sys.argv[1]
    if sys.argv[2] != "before_any_thread":
        assert threads.threads_for(1 << 40) > 1
    globals()[sys.argv[2]]()
    assert numba.threading_layer() == sys.argv[1]
    print("done")
