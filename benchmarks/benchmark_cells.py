"""Speed of the cells: outputs only, the gradients alone, and the training step (forward, full BPTT, all gradients)."""

from functools import cache

from .asv_settings import PLAIN, THREADS, Timing, chosen, or_skip
from .run_numbarnn import Runner
from .variants import PLAIN_CELLS, SHAPE, VARIANTS
from .workloads import SHAPES, make

PASSES = ("forward", "backward", "train")


@cache
def runner(name, shape=SHAPE, dtype="float32", threads=THREADS):
    """Prepare and compile all that a step needs; cached, since asv repeats `setup` before every call."""
    with or_skip():
        result = Runner(make(name, VARIANTS[name](*shape[2:]), shape, dtype), threads, training=True, rng=0)
        result.forward(), result.train()
        return result


class Passes(Timing):
    """A pass of a cell: outputs only, the gradients alone, or the training step."""

    def prepare(self, pass_, *which, **options):
        self.runner = runner(*which, **options)
        run = self.runner.run()
        self.call = {
            "forward": self.runner.forward,
            "backward": lambda: run.backward(self.runner.workload.d_outputs),
            "train": self.runner.train,
        }[pass_]


class Shapes(Passes):
    """The cells that PyTorch and JAX have too, at every shape."""

    params = (PLAIN, tuple(SHAPES), PASSES)
    param_names = ("cell", "shape", "pass")

    def setup(self, cell, shape, pass_):
        self.prepare(pass_, cell, SHAPES[shape])

    def time_pass(self, cell, shape, pass_):
        self.call()

    time_pass.pretty_name = "Plain cells at six shapes"


class Cells(Passes):
    """Every cell, and in a whole run its main variants, at one shape."""

    params = (chosen(PLAIN_CELLS, [name for name in VARIANTS if name not in PLAIN_CELLS]), ("forward", "train"))
    param_names = ("cell", "pass")

    def setup(self, cell, pass_):
        self.prepare(pass_, cell)

    def time_pass(self, cell, pass_):
        self.call()

    time_pass.pretty_name = "All cells at (50, 64, 128, 128)"


class Float64(Passes):
    """A few cells in double precision."""

    params = (PLAIN, PASSES)
    param_names = ("cell", "pass")

    def setup(self, cell, pass_):
        self.prepare(pass_, cell, dtype="float64")

    def time_pass(self, cell, pass_):
        self.call()

    time_pass.pretty_name = "Double precision at (50, 64, 128, 128)"


class Threads(Timing):
    """The same step on one thread and on more."""

    params = (PLAIN, tuple(sorted({1, min(2, THREADS), THREADS})))
    param_names = ("cell", "threads")

    def setup(self, cell, threads):
        self.runner = runner(cell, threads=threads)

    def time_train(self, cell, threads):
        self.runner.train()

    time_train.pretty_name = "One thread and more at (50, 64, 128, 128)"
