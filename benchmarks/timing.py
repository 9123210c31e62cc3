"""Wall-clock times on a shared machine: medians of repeated calls, strictly alternating."""

import time

import numpy as np


def milliseconds(call, seconds, least=3, clock=time.perf_counter):
    """Measure the median time of a call over at least `seconds` of calls, after one that is not timed."""
    call()
    times, end = [], time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        start = clock()
        call()
        times.append(clock() - start)
    return 1e3 * float(np.median(times))


def alternate(calls, rounds, seconds, clock=time.perf_counter):
    """Measure {name: times in ms, one a round} of {name: call}; each round measures every call once, in turn.

    `clock` may be `time.thread_time` for calls that run on the thread that makes them, on a machine with other work.
    """
    times = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(milliseconds(call, seconds, clock=clock))
    return {name: np.array(values) for name, values in times.items()}
