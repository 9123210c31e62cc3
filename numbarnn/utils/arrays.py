"""Arrays that callers pass."""

from typing import Any

import numpy as np

from ..errors import InputError


def refuse_masked(caller: str, what: str, value: Any) -> None:
    """Raise `InputError` for a masked array, whose mask would be lost."""
    if isinstance(value, np.ma.MaskedArray):
        raise InputError(f"{caller}: expected {what} without a mask of their own, got a numpy.ma.MaskedArray")


def plain_array(caller: str, what: str, value: Any) -> np.ndarray:
    """Convert to a NumPy array; a masked array is refused."""
    refuse_masked(caller, what, value)
    return np.asarray(value)
