"""Wall-clock times on a shared machine: medians of repeated calls, strictly alternating."""

import time

import numpy as np


def milliseconds(call, seconds, least=3):
    """Measure the median time of a call over at least `seconds` of calls, after one that is not timed."""
    call()
    times, end = [], time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))


def alternate(calls, rounds, seconds):
    """Measure {name: times in ms, one a round} of {name: call}; each round measures every call once, in turn."""
    times = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(milliseconds(call, seconds))
    return {name: np.array(values) for name, values in times.items()}
