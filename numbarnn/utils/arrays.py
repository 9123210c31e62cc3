"""Arrays that callers pass."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import InputError

FLOATS = np.dtype("float32"), np.dtype("float64")  # of parameters


def float_dtype(caller: str, dtype: Any) -> np.dtype:
    """Return float32 or float64, given as NumPy or TensorFlow writes it; raise `InputError` for others."""
    try:
        found = np.dtype(getattr(dtype, "as_numpy_dtype", dtype))
    except TypeError:
        found = None
    if found is None or dtype is None or found not in FLOATS:  # NumPy counts None as float64
        raise InputError(f"{caller}: expected dtype to be float32 or float64, got {dtype!r}")
    return found


def refuse_masked(caller: str, what: str, value: Any) -> None:
    """Raise `InputError` for a masked array, whose mask would be lost."""
    if isinstance(value, np.ma.MaskedArray):
        raise InputError(f"{caller}: expected {what} without a mask of their own, got a numpy.ma.MaskedArray")


def plain_array(caller: str, what: str, value: Any, dtype: Any = None) -> np.ndarray:
    """Convert to a NumPy array; a masked array is refused, and so are sequences of different lengths."""
    if type(value) is np.ndarray and dtype is None:  # of the arrays of a batch
        return value
    refuse_masked(caller, what, value)
    try:
        return np.asarray(value, dtype)
    except (ValueError, TypeError) as error:
        reason = "its rows have different shapes" if "inhomogeneous" in str(error) else error
        raise InputError(f"{caller}: expected {what} as one array, got {type(value).__name__}: {reason}") from error


def difference(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> str | None:
    """Say which of the arrays is missing, too much, or of another shape or dtype than expected; None if all fit."""
    got, wanted = ({name: (a.shape, a.dtype.name) for name, a in arrays.items()} for arrays in (found, expected))
    for name in sorted(got.keys() | wanted.keys()):
        if got.get(name) != wanted.get(name):
            return f"expected {name} {wanted.get(name, 'missing')}, got {got.get(name, 'missing')}"
    return None


def shape_hint(shape: tuple, features: int | None) -> str:
    """Say what may be wrong with the shape of sequences (batch, steps, features); empty if it is not known."""
    if len(shape) == 3 and shape[2] != features == shape[1]:
        return "; the last two axes seem swapped: x.swapaxes(1, 2)"
    if len(shape) == 2 and features == shape[1]:
        return "; x[None] is a batch of one sequence"
    return "; x[..., None] has one feature" if len(shape) == 2 and features == 1 else ""
