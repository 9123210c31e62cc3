"""Runs between a forward pass and the gradient that it may be asked for."""

import atexit
import secrets
from collections import OrderedDict
from threading import Lock

import numpy as np

from ..rnn.run import Run

LIMIT = 128  # a program that never takes its gradients keeps no more runs than this


class KeptRuns:
    """The latest runs by handle; each is taken once.

    A handle in a program of JAX says where to find a result, and never what it is: whoever finds no run, as it was
    taken before or is too old, makes it again with the same bits. So the program stays a pure function.
    """

    def __init__(self):
        self._runs: OrderedDict[bytes, Run] = OrderedDict()
        self._lock = Lock()  # XLA calls from several threads

    def __len__(self):
        return len(self._runs)

    def clear(self) -> None:
        """Forget all runs."""
        with self._lock:
            self._runs.clear()

    def add(self, run: Run) -> np.ndarray:
        """Keep a run, and return its handle: integers (2,), which no other run has in any process."""
        handle = secrets.token_bytes(8)
        with self._lock:
            self._runs[handle] = run
            if len(self._runs) > LIMIT:
                self._runs.popitem(last=False)
        return np.frombuffer(handle, np.uint32)

    def take(self, handle: np.ndarray) -> Run | None:
        """Return the run of a handle and forget it; None if it is not there."""
        with self._lock:
            return self._runs.pop(handle.tobytes(), None)


KEPT = KeptRuns()
atexit.register(KEPT.clear)  # the memory of runs goes back to a pool, which has to be there still
