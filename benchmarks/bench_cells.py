"""Speed of the cells: outputs only, and the training step (forward, full BPTT, all gradients)."""

from functools import cache

from numba import config

from .run_numbarnn import Runner
from .variants import SHAPE, VARIANTS
from .workloads import SHAPES, make

THREADS = config.NUMBA_NUM_THREADS
PLAIN = ("SimpleRNNCell", "LSTMCell", "ResetAfterGRUCell")


@cache
def runner(name, shape=SHAPE, dtype="float32"):
    """Prepare and compile all that a step needs; cached, since asv repeats `setup` before every call."""
    result = Runner(make(name, VARIANTS[name](*shape[2:]), shape, dtype), THREADS, training=True, rng=0)
    result.forward(), result.train()
    return result


class Timing:
    number = 1  # with a setup asv times every call by itself
    repeat = (5, 200, 1.0)  # at least 5, at most 200 samples, no new one after a second
    timeout = 300


class Shapes(Timing):
    """The cells that PyTorch and JAX have too, at every shape."""

    params = (PLAIN, tuple(SHAPES))
    param_names = ("cell", "shape")

    def setup(self, cell, shape):
        self.runner = runner(cell, SHAPES[shape])

    def time_forward(self, cell, shape):
        self.runner.forward()

    def time_train(self, cell, shape):
        self.runner.train()


class Cells(Timing):
    """Every cell and its main variants, at one shape."""

    params = (tuple(VARIANTS),)
    param_names = ("cell",)

    def setup(self, cell):
        self.runner = runner(cell)

    def time_forward(self, cell):
        self.runner.forward()

    def time_train(self, cell):
        self.runner.train()


class Float64(Timing):
    """A few cells in double precision."""

    params = (PLAIN,)
    param_names = ("cell",)

    def setup(self, cell):
        self.runner = runner(cell, dtype="float64")

    def time_forward(self, cell):
        self.runner.forward()

    def time_train(self, cell):
        self.runner.train()
