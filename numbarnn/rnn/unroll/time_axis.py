"""Arrays of sequences, taken apart and turned round along time."""

import numpy as np

from ...errors import InputError
from ..arguments import valid_steps


def unstack_time(x, time_major=False):
    """A list of T arrays (B, ...) from an array (B, T, ...), or (T, B, ...) with `time_major`: what `static_rnn`
    takes."""
    x = np.asarray(x)
    if x.ndim < 2:
        raise InputError(f"unstack_time: expected an array (batch, steps, ...), got shape {x.shape}")
    return list(x if time_major else np.swapaxes(x, 0, 1))


def stack_time(steps, time_major=False):
    """One array (B, T, ...), or (T, B, ...) with `time_major`, from a list of T arrays (B, ...)."""
    x = stacked("stack_time", steps)
    return x if time_major else np.swapaxes(x, 0, 1)


def stacked(caller, steps):
    """One time-major array from a list of arrays (B, ...)."""
    steps = [np.asarray(x) for x in steps]
    if not steps or any(x.ndim < 1 or x.shape != steps[0].shape or x.dtype != steps[0].dtype for x in steps):
        got = [f"{x.dtype} {x.shape}" for x in steps]
        raise InputError(f"{caller}: expected a list of arrays of one shape (batch, features) and one dtype, got {got}")
    return np.stack(steps)


def reverse_sequence(x, lengths, time_major=False):
    """Each row of x (B, T, ...) turned round within its own length, what follows stays: out[t] = x[length - 1 - t] for
    t < length. It is its own inverse, and its own gradient. Raises `InputError`."""
    x = np.asarray(x)
    if x.ndim < 2:
        raise InputError(f"reverse_sequence: expected an array (batch, steps, ...), got shape {x.shape}")
    swapped = x if time_major else np.swapaxes(x, 0, 1)
    steps, batch = swapped.shape[:2]
    valid = valid_steps("reverse_sequence", lengths, None, steps, batch, time_major)
    time = np.arange(steps)[:, None]
    source = np.where(valid, np.asarray(lengths) - 1 - time, time)
    out = swapped[source, np.arange(batch)]
    return out if time_major else np.swapaxes(out, 0, 1)
