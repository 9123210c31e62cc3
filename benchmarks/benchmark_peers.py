"""numbarnn beside other libraries: their times in one plot, and ratios that are measured in turn in one process."""

from functools import cache
from importlib import import_module

import numpy as np

from . import run_jax, run_keras, run_numbarnn, run_onnx, run_torch
from .asv_settings import THREADS, Timing, chosen, or_skip
from .benchmark_cells import runner
from .timing import alternate
from .variants import PAIRS, PLAIN_CELLS
from .workloads import CELLS, SHAPES, make

RUNNERS = {
    "numbarnn": run_numbarnn.Runner,
    "torch": run_torch.Runner,
    "jax": run_jax.Runner,
    "onnxruntime": run_onnx.Runner,
    "keras": run_keras.Runner,
}
PASSES = ("train", "forward")
SOME = ("mnist", "ptb", "b1")
EVERY_SHAPE = chosen(SOME, [name for name in SHAPES if name not in SOME])
ROUNDS, SECONDS = 5, 0.1


@cache
def of(library, cell, shape):
    """Prepare a library's runner of a cell; the library is imported before Numba's threads start, or it is slow."""
    if library != "numbarnn":
        try:
            import_module(library)
        except ImportError:
            raise NotImplementedError(f"needs {library}") from None
    with or_skip():
        workload = make(cell, CELLS[cell](SHAPES[shape][3]), SHAPES[shape])
        return RUNNERS[library](workload, THREADS)


def pass_of(library, cell, shape, name):
    """Prepare a pass of a library's runner, and run it once."""
    call = getattr(of(library, cell, shape), name, None)
    if call is None:
        raise NotImplementedError(f"{library} has no {name}")
    call()
    return call


def ratio(ours, theirs):
    """Measure the median over the rounds of the time of `ours` over that of `theirs`."""
    times = alternate({"ours": ours, "theirs": theirs}, ROUNDS, SECONDS)
    return float(np.median(times["ours"] / times["theirs"]))


class Libraries(Timing):
    """Time of each library: outputs only, and a training step."""

    params = (tuple(RUNNERS), tuple(CELLS), EVERY_SHAPE, PASSES)
    param_names = ("library", "cell", "shape", "pass")

    def setup(self, library, cell, shape, pass_):
        self.call = pass_of(library, cell, shape, pass_)

    def time_pass(self, library, cell, shape, pass_):
        self.call()

    time_pass.pretty_name = "Libraries side by side"


class Ratios:
    """Our time over theirs; lower is better, and below 1 we are faster."""

    params = (tuple(RUNNERS)[1:], tuple(CELLS), EVERY_SHAPE, PASSES)
    param_names = ("library", "cell", "shape", "pass")
    unit = "our time / theirs"
    timeout = 300

    def setup(self, library, cell, shape, pass_):
        self.theirs = pass_of(library, cell, shape, pass_)
        self.ours = pass_of("numbarnn", cell, shape, pass_)

    def track_ratio(self, library, cell, shape, pass_):
        return ratio(self.ours, self.theirs)

    track_ratio.pretty_name = "Our time over theirs"


class PyTorchLoop:
    """Our training step over that of the same cell as a Python loop in PyTorch; lower is better."""

    params = (("SimpleRNNCell", "LSTMCell", "GRUCell", "LayerNormLSTMCell+per_gate"),)
    param_names = ("cell",)
    unit = "our time / theirs"
    timeout = 300

    def setup(self, cell):
        try:
            import_module("torch")
        except ImportError:
            raise NotImplementedError("needs torch") from None

    def track_train(self, cell):
        ours = runner(cell)
        with or_skip():
            from .run_loop import Runner
            from .torch_cells.products import in_loop

            loop = Runner(ours.workload, THREADS, in_loop)
        return ratio(ours.train, loop.train)

    track_train.pretty_name = "Our time over a loop in PyTorch"


class PlainCell:
    """The training step of a variant over that of its plain cell."""

    params = (tuple(PAIRS),)
    param_names = ("cell",)
    unit = "time / time of the plain cell"
    timeout = 300

    def track_train(self, cell):
        return ratio(runner(cell).train, runner(PAIRS[cell][0]).train)

    track_train.pretty_name = "A variant over its plain cell"


class LSTM:
    """The training step of a cell over that of an LSTM: what a slower processor does not change."""

    params = (tuple(name for name in PLAIN_CELLS if name != "LSTMCell"),)
    param_names = ("cell",)
    unit = "time / time of the LSTM"
    timeout = 300

    def track_train(self, cell):
        return ratio(runner(cell).train, runner("LSTMCell").train)

    track_train.pretty_name = "A cell over the LSTM"
