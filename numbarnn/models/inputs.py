"""Checks of what a model is given to read, for each of its inputs."""

from typing import Any

import numpy as np

from ..errors import InputError
from ..layers.symbolic import any_symbolic
from ..utils.arrays import shape_hint
from ..utils.padded import Padded, array_or_padded, described


def numbers_of(caller: str, what: str, x: Any, integers: bool) -> "np.ndarray | Padded":
    """Return inputs as an array or a `Padded` of numbers of the kind that layers read."""
    if any_symbolic(x):
        raise InputError(
            f"{caller}: a model is no layer, and computes numbers; nr.Model(model.input, head(model.output)) goes on "
            "from its layers"
        )
    given = array_or_padded(caller, what, x)
    values = given.values if isinstance(given, Padded) else given
    if values.dtype.kind not in ("iu" if integers else "fiub") or values.ndim < 2:
        kind = "integers" if integers else "numbers"
        kind = kind if what == "inputs" else f"{what} of {kind}"
        raise InputError(f"{caller}: expected {kind} of shape (batch, ...), got {described(x, values)}")
    if isinstance(given, Padded) and values.ndim < 3 - integers:
        raise InputError(f"{caller}: expected samples of one shape, got some of lengths {given.lengths}")
    return given


def fitted(caller: str, what: str, given: "np.ndarray | Padded", shape: Any, dtype: Any) -> "np.ndarray | Padded":
    """Return inputs in this dtype (None: as they are), or raise `InputError` if they have another shape."""
    values = given.values if isinstance(given, Padded) else given
    free = tuple(m if n is None else n for n, m in zip(shape, values.shape, strict=False))
    if len(values.shape) != len(shape) or values.shape != free:
        expected = ", ".join("any" if n is None else str(n) for n in shape[1:])
        hint = shape_hint(values.shape, shape[2]) if len(shape) == 3 else ""
        raise InputError(f"{caller}: expected {what} of shape (batch, {expected}), got {values.shape}{hint}")
    values = values if dtype is None else values.astype(dtype, copy=False)
    return Padded(values, given.lengths).zero_padded() if isinstance(given, Padded) else values
