"""Stack, unstack and reverse arrays of sequences along time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...errors import InputError, checked
from ...utils.arrays import plain_array
from ...utils.padded import Padded
from ..arguments import valid_steps


@checked
def unstack_time(x: ArrayLike, time_major: bool = False) -> list[np.ndarray]:
    """Unstack sequences into a list of steps, as `static_rnn` takes it.

    Parameters
    ----------
    x : array_like (B, T, ...)
        Sequences; (T, B, ...) if `time_major`.
    time_major : bool
        Whether time is the first axis of `x`.

    Returns
    -------
    list of T ndarrays (B, ...)
        Views of `x`.

    Raises
    ------
    InputError
        If `x` has fewer than two axes.

    See Also
    --------
    stack_time : The inverse.

    References
    ----------
    ``tf.unstack(x, axis=1)`` of TensorFlow 1.
    """
    x = plain_array("unstack_time", "an array", x)
    if x.ndim < 2:
        raise InputError(f"unstack_time: expected an array (batch, steps, ...), got shape {x.shape}")
    return list(x if time_major else np.swapaxes(x, 0, 1))


@checked
def stack_time(steps: Iterable[ArrayLike], time_major: bool = False) -> np.ndarray:
    """Stack a list of steps into one array of sequences.

    Parameters
    ----------
    steps : iterable of T arrays (B, ...)
        The steps, all of one shape and dtype.
    time_major : bool
        Whether time is the first axis of the result.

    Returns
    -------
    ndarray (B, T, ...)
        The sequences; (T, B, ...) if `time_major`.

    Raises
    ------
    InputError
        If there are no steps, or their shapes or dtypes differ.

    See Also
    --------
    unstack_time : The inverse.

    References
    ----------
    ``tf.stack(steps, axis=1)`` of TensorFlow 1.
    """
    x = stacked("stack_time", steps)
    return x if time_major else np.swapaxes(x, 0, 1)


def stacked(caller: str, steps: Iterable[ArrayLike], dtype: Any = None) -> np.ndarray:
    """Stack arrays (B, ...), or lists that get the dtype, to a time-major one.

    Raise `InputError` if their shapes or dtypes differ.
    """
    check_is_list(caller, "a list", steps)
    steps = [plain_array(caller, "each step", x, None if hasattr(x, "dtype") else dtype) for x in steps]
    if not steps or any(x.ndim < 1 or x.shape != steps[0].shape or x.dtype != steps[0].dtype for x in steps):
        got = [f"{x.dtype} {x.shape}" for x in steps]
        raise InputError(f"{caller}: expected a list of arrays of one shape (batch, features) and one dtype, got {got}")
    return np.stack(steps)


def check_is_list(caller: str, what: str, steps: Any) -> None:
    """Raise `InputError` for what is no list, or one array, whose first axis may be the batch."""
    if isinstance(steps, Padded | str | dict) or not isinstance(steps, Iterable):
        got = type(steps).__name__
        raise InputError(f"{caller}: expected {what} of arrays (batch, features), one a step, got {got}")
    if hasattr(steps, "shape"):
        raise InputError(
            f"{caller}: expected {what} of arrays (batch, features), one a step, got one array of shape "
            f"{tuple(steps.shape)}; unstack_time makes the list"
        )


@checked
def reverse_sequence(x: ArrayLike, lengths: ArrayLike, time_major: bool = False) -> np.ndarray:
    """Reverse each row within its own length.

    ``out[t] = x[length - 1 - t]`` for t < length; later steps stay as they are. The function is its own inverse and its
    own gradient.

    Parameters
    ----------
    x : array_like (B, T, ...)
        Sequences; (T, B, ...) if `time_major`.
    lengths : array_like (B,) of int
        Length of each row, from 0 to T.
    time_major : bool
        Whether time is the first axis of `x`.

    Returns
    -------
    ndarray
        An array of the shape and dtype of `x`.

    Raises
    ------
    InputError
        If `x` has fewer than two axes, or `lengths` are not B integers from 0 to T.

    References
    ----------
    ``tf.reverse_sequence`` of TensorFlow 1.

    Examples
    --------
    >>> import numbarnn as nr
    >>> nr.reverse_sequence([[1, 2, 3], [4, 5, 6]], lengths=[3, 2])
    array([[3, 2, 1],
           [5, 4, 6]])
    """
    x = plain_array("reverse_sequence", "an array", x)
    if x.ndim < 2:
        raise InputError(f"reverse_sequence: expected an array (batch, steps, ...), got shape {x.shape}")
    swapped = x if time_major else np.swapaxes(x, 0, 1)
    steps, batch = swapped.shape[:2]
    valid: Any = valid_steps("reverse_sequence", lengths, None, steps, batch, time_major)
    time = np.arange(steps)[:, None]
    source = np.where(valid, np.asarray(lengths) - 1 - time, time)
    out = swapped[source, np.arange(batch)]
    return out if time_major else np.swapaxes(out, 0, 1)
