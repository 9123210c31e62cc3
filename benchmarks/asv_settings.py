"""What all asv benchmarks share: how long they measure, what a default run leaves out, and commits that lack a part."""

import os
from contextlib import contextmanager

from numba import config

THREADS = config.NUMBA_NUM_THREADS
PLAIN = ("SimpleRNNCell", "LSTMCell", "ResetAfterGRUCell")

# NUMBARNN_BENCHMARKS=all measures all parameters; a default run takes at most 15 minutes a commit on two cores.
ALL = os.environ.get("NUMBARNN_BENCHMARKS") == "all"


def chosen(some, more):
    """Return the values of a parameter: `some`, and in a whole run `more` behind them, so that places stay."""
    return (*some, *more) if ALL else tuple(some)


class Timing:
    number = 1  # with a setup asv times every call by itself
    repeat = (5, 200, 1.0)  # at least 5, at most 200 samples, no new one after a second
    timeout = 300


@contextmanager
def or_skip():
    """Skip a benchmark whose names the measured commit does not have; tests prove that today's commit has them all."""
    try:
        yield
    except (AttributeError, ImportError, TypeError) as reason:
        raise NotImplementedError(f"this numbarnn lacks it: {reason}") from None
