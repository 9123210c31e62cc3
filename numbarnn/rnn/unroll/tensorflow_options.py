"""TensorFlow's names for the options of `forward`, where they mean the same."""

from typing import Any

import numpy as np

from ...cells.rnn_cell import RNNCell
from ...engines.on_device import is_on_device
from ...errors import InputError
from ...utils.arrays import float_dtype
from ..inputs import dtype_of, needs_array, unpadded

HERE = {  # what TensorFlow's graph needs, and what takes its place
    "scope": "there are no variable scopes: the parameters are the argument params",
}
RENAMED = {"sequence_length": "lengths", "swap_memory": "save"}


def of_tensorflow(caller: str, cell: Any, params: Any, inputs: Any, options: dict[str, Any]) -> tuple[Any, dict]:
    """Return the inputs as an array of the `dtype` that options ask for, and the options under the names of `forward`.

    Sequences of different lengths are padded, and their lengths become an option.

    ``sequence_length`` is ``lengths``. ``swap_memory=True`` is ``save="sqrt"``. ``parallel_iterations`` changes no
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
        options["save"] = "sqrt"
    iterations = options.pop("parallel_iterations", None)
    if iterations is not None and (not isinstance(iterations, int | np.integer) or iterations < 1):
        raise InputError(f"{caller}: expected parallel_iterations to be a positive integer, got {iterations!r}")
    if (dtype := options.pop("dtype", None)) is not None:
        inputs = in_dtype(caller, cell, params, inputs, float_dtype(caller, dtype))
    if inputs is not None and isinstance(cell, RNNCell) and needs_array(inputs):
        x, options["lengths"] = unpadded(cell, params, inputs, *map(options.get, ("lengths", "mask", "time_major")))
        return x, options
    return inputs, options


def in_dtype(caller: str, cell: Any, params: Any, inputs: Any, dtype: np.dtype) -> Any:
    """Convert integers to the dtype, as a placeholder does; raise `InputError` for floats or parameters of another one.

    Lists and `Padded`, which have no dtype of their own, take that of the parameters.
    """
    if getattr(cell, "takes_integers", False) or not hasattr(inputs, "dtype"):
        if (given := dtype_of(params)) not in (None, dtype):
            raise InputError(f"{caller}: expected parameters of dtype {dtype}, as dtype says, got {given}")
        return inputs
    if is_on_device(inputs):
        return inputs
    if np.asarray(inputs).dtype.kind in "iu":
        return np.asarray(inputs, dtype)
    if np.asarray(inputs).dtype != dtype:
        raise InputError(f"{caller}: expected inputs of dtype {dtype}, as dtype says, got {np.asarray(inputs).dtype}")
    return inputs
