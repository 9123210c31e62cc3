"""The inputs of a run: lists and sequences as arrays, and a sentence about all that does not fit."""

import math
from typing import Any, NoReturn

import numpy as np

from ..cells.rnn_cell import RNNCell
from ..engines.device_arrays import as_array
from ..engines.on_device import is_on_device
from ..errors import InputError
from ..utils.arrays import FLOATS, shape_hint
from ..utils.padded import Padded, array_or_padded
from ..utils.tree import tree_leaves
from .arguments import check_params


def check_inputs(cell: RNNCell, params: Any, x: Any, time_major: bool = False) -> tuple[Any, dict, np.dtype]:
    """Return the inputs as an array (B, T, I) of floats, or of integers (B, T) if the cell takes those; the parameters
    as arrays; and their dtype, which is that of the inputs.
    """
    if type(x) is not np.ndarray:
        x = as_inputs(cell, params, x)
        if isinstance(x, Padded):
            expected = "inputs of one length; nr.Padded.of(x) pads them, and has values, lengths and a mask"
            raise InputError(f"{type(cell).__name__}: expected {expected}, got lengths {x.lengths}")
    dtype = dtype_of(params)
    if cell.takes_integers:
        if x.dtype.kind not in "iu" or x.ndim != 2:
            _refuse_inputs(cell, params, x, dtype, time_major)
        checked = check_params(cell, params, None)
        return x, checked, dtype
    dtype = x.dtype if dtype is None else dtype
    if x.ndim != 3 or x.dtype != dtype or x.shape[2] == 0 or dtype not in FLOATS:
        _refuse_inputs(cell, params, x, dtype, time_major)
    try:
        return x, check_params(cell, params, x.shape[2], dtype), dtype
    except InputError:
        _refuse_features(cell, params, x, time_major)
        raise


def as_inputs(cell: RNNCell, params: Any, x: Any) -> Any:
    """Return inputs that are no plain array as an array or a `Padded`.

    Numbers without a dtype of their own, in lists or a `Padded`, take that of the parameters.
    """
    if is_on_device(x):
        return as_array(x)
    given = array_or_padded(type(cell).__name__, "inputs", x)
    values = given.values if isinstance(given, Padded) else given
    dtype = dtype_of_lists(cell, params)
    if dtype is None or values.dtype.kind not in "fiub":
        if values.dtype == object and values.ndim == 0:
            raise InputError(f"{type(cell).__name__}: expected inputs in an array or a list, got {type(x).__name__}")
        return given
    if isinstance(given, Padded):
        return Padded(values.astype(dtype, copy=False), given.lengths)
    return given if hasattr(x, "dtype") else given.astype(dtype, copy=False)


def needs_array(x: Any) -> bool:
    """Say whether inputs are a list, a `Padded`, or something else that is not an array yet."""
    return type(x) is not np.ndarray or x.dtype.hasobject


def unpadded(cell: RNNCell, params: Any, x: Any, lengths: Any, mask: Any, time_major: bool) -> tuple[Any, Any]:
    """Return inputs that may be sequences of different lengths as an array, and the lengths."""
    x = as_inputs(cell, params, x)
    if not isinstance(x, Padded):
        return x, lengths
    given = [
        n for n, v in {"lengths": lengths, "mask": mask, "time_major": time_major or None}.items() if v is not None
    ]
    if given:
        kind = "sequences of different lengths, which have their own, batch first"
        raise InputError(f"{type(cell).__name__}: expected no {' and '.join(given)} beside {kind}")
    return x.values, x.lengths


def dtype_of_lists(cell: RNNCell, params: Any) -> Any:
    """Return the dtype that numbers in lists take: that of the parameters, or None if the cell takes integers."""
    return None if getattr(cell, "takes_integers", False) else dtype_of(params)


def dtype_of(params: Any) -> Any:
    """Return the dtype of the first of the parameters, which may be nested in tuples; None if there is none."""
    for part in tree_leaves(params):
        for value in part.values() if isinstance(part, dict) else ():
            return as_array(value).dtype
    return None


def _refuse_inputs(cell: RNNCell, params: Any, x: Any, dtype: np.dtype, time_major: bool) -> NoReturn:
    """Raise `InputError` for inputs of another kind, rank or dtype, with a sentence that helps."""
    caller, axes = type(cell).__name__, _axes(cell, time_major)
    if cell.takes_integers:
        if x.dtype.kind not in "iu":
            raise InputError(f"{caller}: expected inputs of integers, got {x.dtype}")
        raise InputError(f"{caller}: expected inputs of shape {axes}, got {x.shape}")
    if dtype not in FLOATS and x.dtype in FLOATS:
        raise InputError(f"{caller}: expected parameters of dtype float32 or float64, got {dtype}")
    if x.dtype.kind not in "fiub":
        raise InputError(f"{caller}: expected inputs of dtype float32 or float64, got {x.dtype}")
    if x.ndim != 3:
        hint = shape_hint(x.shape, features_of(cell, params))
        if x.ndim == 2 and x.dtype.kind in "iu":
            hint = "; EmbeddingWrapper(cell, ...) reads integers (batch, steps)"
        raise InputError(f"{caller}: expected inputs of shape {axes}, got {x.shape}{hint}")
    if x.shape[2] == 0:
        raise InputError(f"{caller}: expected inputs of at least one feature, got shape {x.shape}")
    ways = f"write x.astype({dtype.name!r})"
    if x.dtype in FLOATS:
        ways += f", or init_params(..., dtype={x.dtype.name!r})"
    raise InputError(f"{caller}: expected inputs of dtype {dtype}, that of the parameters, got {x.dtype}; {ways}")


def _refuse_features(cell: RNNCell, params: Any, x: Any, time_major: bool) -> None:
    """Raise `InputError` if the parameters are those of the cell for inputs of another number of features."""
    features = features_of(cell, params)
    if features in (None, x.shape[2]):
        return
    raise InputError(
        f"{type(cell).__name__}: expected inputs of shape {_axes(cell, time_major)} with the {features} features of "
        f"the parameters, got {x.shape}{shape_hint(x.shape, features)}"
    ) from None


def _axes(cell, time_major):
    axes = "steps, batch" if time_major else "batch, steps"
    return f"({axes})" if cell.takes_integers else f"({axes}, features)"


def features_of(cell, params):
    """Return the number of input features that parameters were made for; None if there is none."""
    if not isinstance(params, dict):
        return None
    shapes = {name: np.shape(value) for name, value in params.items()}
    for features in sorted({math.prod(shape[:-1]) for shape in shapes.values()}):  # the rows of one of the matrices
        try:
            if features and cell.param_shapes(features) == shapes:
                return features
        except InputError:  # the cell cannot read so many
            continue
    return None
