"""Ratios of times, measured in turn in one process: on a shared machine they say more than times."""

from importlib import import_module

import numpy as np

from . import relative, run_loop
from .bench_cells import THREADS, runner
from .timing import alternate
from .torch_cells import LOOPS
from .torch_cells.products import in_loop

ROUNDS, SECONDS = 5, 0.1


def ratio(train, other):
    """Measure the median over the rounds of the time of `train` over that of `other`."""
    times = alternate({"train": train, "other": other}, ROUNDS, SECONDS)
    return float(np.median(times["train"] / times["other"]))


class PyTorchLoop:
    """A training step over that of the same cell as a Python loop in PyTorch; lower is better."""

    params = (tuple(LOOPS),)
    param_names = ("cell",)
    unit = "numbarnn time / PyTorch time"
    timeout = 300

    def setup(self, cell):
        try:
            import_module("torch")  # before Numba's threads start, or it is slow
        except ImportError:
            raise NotImplementedError("needs PyTorch") from None

    def track_train(self, cell):
        ours = runner(cell)
        return ratio(ours.train, run_loop.Runner(ours.workload, THREADS, in_loop).train)


class PlainCell:
    """A training step of a variant over that of the plain cell."""

    params = (tuple(relative.PAIRS),)
    param_names = ("cell",)
    unit = "time / time of the plain cell"
    timeout = 300

    def track_train(self, cell):
        return ratio(runner(cell).train, runner(relative.PAIRS[cell][0]).train)
