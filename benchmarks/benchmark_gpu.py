"""Training steps on a GPU; without one they skip."""

from functools import cache

import numbarnn as nr

from .asv_settings import PLAIN, Timing, or_skip
from .variants import VARIANTS
from .workloads import SHAPES, make


@cache
def runner(cell, shape):
    """Prepare training steps on the GPU, where all arrays are before anything is timed, and a wait at their end."""
    with or_skip():
        from numbarnn.engines.cuda.target import require_gpu, wait

        from . import run_cuda

        try:
            require_gpu()
        except nr.InputError as reason:
            raise NotImplementedError(str(reason)) from None
        step = run_cuda.Runner(make(cell, VARIANTS[cell](*SHAPES[shape][2:]), SHAPES[shape])).train
        result = run_cuda.repeated(step, wait)
        result()
        return result


class Cuda(Timing):
    """Plain cells, with the arrays on the GPU."""

    params = (PLAIN, ("mnist", "ptb", "mid"))
    param_names = ("cell", "shape")

    def setup(self, cell, shape):
        self.steps = runner(cell, shape)

    def time_ten_steps(self, cell, shape):
        self.steps()

    time_ten_steps.pretty_name = "Plain cells on a GPU: ten training steps"
