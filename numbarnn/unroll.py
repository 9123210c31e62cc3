"""Unrolling functions under the names that TensorFlow 1 gave them; all are `forward` in other clothes."""

import numpy as np

from .errors import InputError
from .sequence import forward


def dynamic_rnn(cell, params, inputs, *, initial_state=None, lengths=None, time_major=False):
    """Outputs (B, T, H) and final state of a cell over an array (B, T, I); time-major: (T, B, ...)."""
    run = forward(
        cell, params, inputs, initial_state=initial_state, lengths=lengths, time_major=time_major, save="minimal"
    )
    return run.outputs, run.state


def static_rnn(cell, params, inputs, *, initial_state=None, lengths=None):
    """The same over a list of T arrays (B, I): a list of T outputs (B, H), and the final state."""
    inputs = [np.asarray(x) for x in inputs]
    if not inputs or any(x.ndim != 2 or x.shape != inputs[0].shape for x in inputs):
        got = [x.shape for x in inputs]
        raise InputError(f"static_rnn: expected a list of arrays of one shape (batch, features), got {got}")
    outputs, state = dynamic_rnn(
        cell, params, np.stack(inputs), initial_state=initial_state, lengths=lengths, time_major=True
    )
    return list(outputs), state
