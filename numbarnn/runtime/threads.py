"""Run the stages of a kernel on Numba's threads.

Only the thread that calls `fork` lives on in the new process, and the threading layers do not survive that: OpenMP ends
the process, workqueue waits for threads that are gone. A process that was forked after threads had started therefore
runs every kernel on one thread, where it gives the same bits.
"""

import ctypes
import functools
import math
import os
import threading
import warnings
from pathlib import Path

import numba
import numpy as np
from numba import config, get_num_threads, prange, types

from .compile import compiled
from .invoke import invoke
from .simd import INTP, helper

KERNEL = types.void(*[INTP] * 4)  # stage, shard, shards, address of the arguments
WORTH_WAKING = 1_000_000  # multiply-adds of a pass from which threads pay
MANY = 50_000  # numbers, if each is read and written once
WAITING = "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"  # of the environment: how threads wait
SPINS = "2000"  # looks for work, some microseconds, before a thread of GNU OpenMP sleeps
CONTROL_GROUPS, OWN_GROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")  # of Linux

_one_at_a_time = threading.Lock()  # some threading layers end the process when two Python threads enter
_started = False  # whether this process has asked Numba for its threads
_lost = False  # whether this process was forked from one that had


def threads_for(multiply_adds):
    """Return the number of threads worth waking for a pass."""
    return available_threads() if multiply_adds > WORTH_WAKING else 1


def threads_for_each(numbers, many=MANY):
    """Return the number of threads worth waking for so many numbers, if each takes little time; `many` pay."""
    return available_threads() if numbers > many else 1


def available_threads():
    """Return the number of threads that Numba may use; in a forked process, 1."""
    global _started
    if _lost:
        warn_of_fork()
        return 1
    if not _started:
        _started = True  # first: a fork may come while Numba starts them
        start_threads()
    return min(get_num_threads(), most_threads())


@functools.cache
def most_threads():
    """Return how many threads the machine lets run at once, unless the environment says how many Numba starts.

    Numba counts the processors on which this process may run. A container may have a quota of their time as well, and
    is stopped when it is used up, with all other threads waiting.
    """
    if "NUMBA_NUM_THREADS" in os.environ:
        return config.NUMBA_NUM_THREADS
    return math.ceil(min(config.NUMBA_NUM_THREADS, processor_quota(CONTROL_GROUPS, OWN_GROUP)))


def processor_quota(groups, own):
    """Return how many processors' time this process may use: the least quota of its control group and those above.

    `groups`: the folder of all control groups (version 2, or version 1 of a container). `own`: the file that says which
    one this process is in.
    """
    try:
        names = [line.split("::", 1)[1].strip("/") for line in own.read_text().splitlines() if line.startswith("0::")]
    except OSError:
        names = []
    folders = {folder for name in ["", *names] for folder in (groups / name, *(groups / name).parents)}
    files = [[folder / "cpu.max"] for folder in folders if folder.is_relative_to(groups)]
    files.append([groups / "cpu/cpu.cfs_quota_us", groups / "cpu/cpu.cfs_period_us"])
    return min((quota_of(some) for some in files), default=math.inf)


def quota_of(files):
    """Read a quota and its period, in one file or in two; returns the first over the second, or infinity."""
    try:
        quota, period = (word for file in files for word in file.read_text().split())
    except OSError:
        return math.inf
    return math.inf if quota in ("max", "-1") else int(quota) / int(period)


def start_threads():
    """Let Numba start its threads so that they soon sleep when they wait, unless the environment says how they wait.

    GNU OpenMP reads the environment once, when Numba loads it. Its own default spins for about a time slice, on a core
    that the other thread needs if several processes compute: two trainings side by side then take up to twice as long.
    """
    chosen = any(name in os.environ for name in WAITING)
    if not chosen:
        os.environ["GOMP_SPINCOUNT"] = SPINS
    try:
        get_num_threads()
    finally:
        if not chosen:
            os.environ.pop("GOMP_SPINCOUNT", None)


def in_parallel(kernel, first, stages, shards, args_address):
    """Call kernel(stage, shard, shards, args_address) for each stage from the first, its shards on as many threads."""
    # One tiny parallel loop serves all kernels, since what a parallel loop holds is compiled twice.
    for stage in range(first, stages):
        for shard in prange(shards):
            invoke(kernel, (stage, np.intp(shard), shards, args_address))


def in_turn(kernel, first, stages, shards, args_address):
    """Make the same calls one after the other in this thread."""
    for stage in range(first, stages):
        for shard in range(shards):
            invoke(kernel, (stage, shard, shards, args_address))


@functools.cache
def launcher(parallel):
    """Return `in_parallel` or `in_turn`, compiled."""
    function, options = (in_parallel, {"parallel": True}) if parallel else (in_turn, {})
    address = compiled(types.void(*[INTP] * 5), function, **options)
    return ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 5)(address)


def run(kernel, stages, shards, args_address, first=0):
    """Run the stages of a kernel from the first, one after the other, each in `shards` parts on as many threads."""
    if shards == 1:
        launcher(False)(kernel, first, stages, 1, args_address)
    elif _lost:  # the number of parts is from before the fork
        warn_of_fork()
        launcher(False)(kernel, first, stages, shards, args_address)
    else:
        with _one_at_a_time:
            launcher(True)(kernel, first, stages, shards, args_address)


@functools.cache
def warn_of_fork():
    """Warn once that a forked process has one thread."""
    warnings.warn(
        "numbarnn: this process was forked after threads had started, so it computes on one thread; "
        'start processes with "spawn" (multiprocessing.set_start_method) for several',
        RuntimeWarning,
        stacklevel=2,
    )


def after_fork_in_child():
    """Make the lock anew, and note whether the threads are lost."""
    global _one_at_a_time, _lost
    _one_at_a_time = threading.Lock()
    warn_of_fork.cache_clear()
    _lost = _lost or _started or threads_running()


def threads_running():
    """Return whether Numba has started its threads, for whatever package."""
    try:
        return bool(numba.threading_layer())
    except ValueError:
        return False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=after_fork_in_child)


@helper
def share(panels, shard, shards):
    """Return the first panel of a shard, and the one after its last."""
    return panels * shard // shards, panels * (shard + 1) // shards
