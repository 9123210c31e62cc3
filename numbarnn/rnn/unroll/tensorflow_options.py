"""TensorFlow's names for the options of `forward`, where they mean the same."""

from typing import Any

import numpy as np

from ...engines.on_device import is_on_device
from ...errors import InputError
from ..arguments import FLOATS

HERE = {  # what TensorFlow's graph needs, and what takes its place
    "scope": "there are no variable scopes: the parameters are the argument params",
}
RENAMED = {"sequence_length": "lengths", "swap_memory": "save"}


def of_tensorflow(caller: str, cell: Any, params: Any, inputs: Any, options: dict[str, Any]) -> tuple[Any, dict]:
    """Return the inputs in the `dtype` that options ask for, and the options under the names of `forward`.

    ``sequence_length`` is ``lengths``. ``swap_memory=True`` is ``save="minimal"``. ``parallel_iterations`` changes no
    number, here as in TensorFlow. ``scope`` is refused, unless it is None.
    """
    options = dict(options)
    for word, sentence in HERE.items():
        if options.pop(word, None) is not None:
            raise InputError(f"{caller}: {word} is an option of TensorFlow's graph; {sentence}")
    for word, name in RENAMED.items():
        if word in options and options.get(name) is not None:
            raise InputError(f"{caller}: expected {word} (TensorFlow's) or {name}, got both")
    if (lengths := options.pop("sequence_length", None)) is not None:
        options["lengths"] = lengths
    swap_memory = options.pop("swap_memory", False)
    if not isinstance(swap_memory, bool | np.bool_):
        raise InputError(f"{caller}: expected swap_memory to be True or False, got {swap_memory!r}")
    if swap_memory:
        options["save"] = "minimal"
    iterations = options.pop("parallel_iterations", None)
    if iterations is not None and (not isinstance(iterations, int | np.integer) or iterations < 1):
        raise InputError(f"{caller}: expected parallel_iterations to be a positive integer, got {iterations!r}")
    if (dtype := options.pop("dtype", None)) is not None:
        inputs = in_dtype(caller, cell, params, inputs, float_dtype(caller, dtype))
    return inputs, options


def float_dtype(caller: str, dtype: Any) -> np.dtype:
    """Return float32 or float64, given as NumPy or TensorFlow writes it; raise `InputError` for others."""
    try:
        found = np.dtype(getattr(dtype, "as_numpy_dtype", dtype))
    except TypeError:
        found = None
    if found is None or found not in FLOATS:  # NumPy counts None as float64
        raise InputError(f"{caller}: expected dtype to be float32 or float64, got {dtype!r}")
    return found


def in_dtype(caller: str, cell: Any, params: Any, inputs: Any, dtype: np.dtype) -> Any:
    """Convert lists and integers to the dtype, as a placeholder does; raise `InputError` for floats of another one."""
    if getattr(cell, "takes_integers", False):
        while isinstance(params, tuple | list) and params:
            params = params[0]
        if isinstance(params, dict) and params:
            check_dtype(caller, "parameters", next(iter(params.values())), dtype)
        return inputs
    if is_on_device(inputs):
        return inputs
    if not hasattr(inputs, "dtype") or np.asarray(inputs).dtype.kind in "iu":
        return np.asarray(inputs, dtype)
    check_dtype(caller, "inputs", inputs, dtype)
    return inputs


def check_dtype(caller: str, what: str, array: Any, dtype: np.dtype) -> None:
    """Raise `InputError` unless the array has this dtype."""
    if np.asarray(array).dtype != dtype:
        raise InputError(f"{caller}: expected {what} of dtype {dtype}, as dtype says, got {np.asarray(array).dtype}")
