"""Calls in several processes."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def run(calls, jobs):
    """What the calls give, in their order, one after the other as they are there."""
    if jobs == 1:
        for call in calls:
            yield call()
        return
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        waiting = [pool.submit(call) for call in calls]
        try:
            for future in waiting:
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)
