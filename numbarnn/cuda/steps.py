"""Steps, for kernels that walk through all of them."""

import numpy as np
from numba.extending import register_jitable

ZERO = np.float32(0)
unsigned = np.uint32  # for indices: of any other integer, code is made to ask whether it is negative


@register_jitable
def time_of(i, T, reverse):
    """The time of the i-th step of a walk; of the last one behind it, where a next one is loaded all the same."""
    i = min(i, T - 1)
    return unsigned(T - 1 - i if reverse else i)


@register_jitable
def output_gradient(d_outputs, t, b, u):
    """As a tuple; zero where the outputs have none."""
    return (d_outputs[t, b, u] if d_outputs.shape[0] > 0 else ZERO,)
