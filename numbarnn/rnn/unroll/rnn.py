"""One direction: over an array, or over a list of steps."""

from dataclasses import replace

import numpy as np

from ...errors import InputError
from ..arguments import check_array
from ..run import forward
from .result import Unrolled
from .time_axis import stacked


def dynamic_rnn(cell, params, inputs, **options):
    """Outputs (B, T, output_size) and final state of a cell over an array (B, T, I); time-major: (T, B, ...).

    `options` are those of `forward`. TensorFlow's dtype, parallel_iterations and scope are matters of its graph; what
    its swap_memory is for is `save="minimal"`. Raises `InputError`.
    """
    run = forward(cell, params, inputs, **options)
    return Unrolled(run.outputs, run.state, run.backward)


def static_rnn(cell, params, inputs, **options):
    """The same over a list of T arrays (B, I): a list of T outputs (B, output_size), and the final state.

    `options` are those of `forward` but for time_major; a mask is (T, B). The numbers are those of `dynamic_rnn`, bit
    for bit.
    """
    inputs = stacked("static_rnn", inputs)
    return in_lists("static_rnn", dynamic_rnn(cell, params, inputs, time_major=True, **options))


def in_lists(caller, run):
    """A time-major result with a list of steps in place of each array."""
    outputs = run.outputs

    def backward(d_outputs=None, d_state=None):
        if d_outputs is not None:
            d_outputs = as_array(list(d_outputs))
        grads = run.backward(d_outputs, d_state)
        return replace(grads, inputs=None if grads.inputs is None else list(grads.inputs))

    def as_array(d_outputs):
        if len(d_outputs) != len(outputs):
            raise InputError(f"{caller}: expected d_outputs of {len(outputs)} steps, got {len(d_outputs)}")
        shape, dtype = outputs.shape[1:], outputs.dtype
        zeros = np.zeros(shape, dtype)
        return np.stack(
            [zeros if d is None else check_array(caller, "each of d_outputs", d, shape, dtype) for d in d_outputs]
        )

    return Unrolled(list(outputs), run.state, backward)
