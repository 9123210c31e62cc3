"""What may go into a run: each check gives its argument in the form that runs need, or an `InputError`."""

from functools import lru_cache

import numpy as np

from ..cells.base import Cell
from ..cells.rnn_cell import RNNCell
from ..engines.device_arrays import as_array
from ..engines.on_device import is_on_device
from ..errors import InputError
from ..utils.tree import tree_map, tree_unflatten

FLOATS = (np.dtype("float32"), np.dtype("float64"))


def check_cell(caller, cell):
    if not isinstance(cell, RNNCell):
        raise InputError(f"{caller}: expected a cell such as LSTMCell(units), got {type(cell).__name__}")


def check_array(caller, what, value, shape, dtype):
    """`value` as an array, or an `InputError` that says what was expected. `shape` holds sizes, or names of free
    ones."""
    array = as_array(value)
    if array.shape == shape and array.dtype == dtype:
        return array
    if array.ndim != len(shape) or any(
        a != n for a, n in zip(array.shape, shape, strict=True) if not isinstance(n, str)
    ):
        expected = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
        raise InputError(f"{caller}: expected {what} of shape {expected}, got {array.shape}")
    if array.dtype != dtype:
        raise InputError(f"{caller}: expected {what} of dtype {dtype}, got {array.dtype}")
    return array


@lru_cache
def shapes_of(cell, input_size):
    return cell.param_shapes(input_size)


def check_params(cell, params, input_size, dtype=None):
    """The parameters as arrays of `dtype`; None: of the first one's."""
    caller, shapes = type(cell).__name__, shapes_of(cell, input_size)
    if not isinstance(params, dict) or params.keys() != shapes.keys():
        got = sorted(params) if isinstance(params, dict) else type(params).__name__
        raise InputError(f"{caller}: expected a dict of the parameters {', '.join(shapes)}, got {got}")
    if dtype is None:
        dtype = next((as_array(value).dtype for value in params.values()), np.dtype("float32"))
        if dtype not in FLOATS:
            raise InputError(f"{caller}: expected parameters of dtype float32 or float64, got {dtype}")
    return {
        name: check_array(caller, f"parameter {name}", params[name], shape, dtype) for name, shape in shapes.items()
    }


def check_state(cell, what, state, batch, dtype, partial=False):
    """Arrays (B, size) nested like the cell's `state_size`; None stays None, for the whole, and where `partial` for
    parts too."""
    caller = type(cell).__name__
    return None if state is None else _check_state(caller, what, state, cell.state_size, batch, dtype, partial)


def _check_state(caller, what, state, sizes, batch, dtype, partial):
    if state is None and partial:
        return tree_map(lambda _: None, sizes)
    if isinstance(sizes, tuple):
        names = getattr(sizes, "_fields", range(len(sizes)))
        if isinstance(state, np.ndarray) or not isinstance(state, tuple | list) or len(state) != len(sizes):
            expected = f"State({', '.join(names)})" if hasattr(sizes, "_fields") else f"a tuple of {len(sizes)} states"
            raise InputError(f"{caller}: expected {what} to be {expected}, got {type(state).__name__}")
        parts = zip(names, state, sizes, strict=True)
        return tree_unflatten(
            sizes, [_check_state(caller, f"{what}.{n}", s, size, batch, dtype, partial) for n, s, size in parts]
        )
    if state is None:
        raise InputError(f"{caller}: expected an array for {what}, got None")
    return check_array(caller, what, state, (batch, sizes), dtype)


def valid_steps(caller, lengths, mask, steps, batch, time_major):
    """(T, B) booleans, true where a step counts; None where all do."""
    if lengths is not None and mask is not None:
        raise InputError(f"{caller}: expected lengths or mask, got both")
    if lengths is not None:
        lengths = np.asarray(lengths)
        if lengths.shape != (batch,) or lengths.dtype.kind not in "iu":
            raise InputError(
                f"{caller}: expected lengths to be {batch} integers, got shape {lengths.shape} of dtype {lengths.dtype}"
            )
        if batch and (lengths.min() < 0 or lengths.max() > steps):
            raise InputError(
                f"{caller}: expected lengths from 0 to {steps} (the steps), got {lengths.min()} to {lengths.max()}"
            )
        return np.arange(steps)[:, None] < lengths
    return check_steps(caller, "mask", mask, steps, batch, time_major)


def check_steps(caller, what, values, steps, batch, time_major):
    """Booleans for each step, laid out as the inputs, as (T, B); None stays None."""
    if values is None:
        return None
    values = check_array(caller, what, values, (steps, batch) if time_major else (batch, steps), np.dtype(bool))
    return values if time_major else values.T


def checked_inputs(cell, x, time_major):
    """x as an array (B, T, I) of floats, or (B, T) of integers where the cell takes those."""
    caller, x = type(cell).__name__, as_array(x)
    axes = ("steps", "batch") if time_major else ("batch", "steps")
    if cell.takes_integers:
        if x.dtype.kind not in "iu":
            raise InputError(f"{caller}: expected inputs of integers, got {x.dtype}")
        return check_array(caller, "inputs", x, axes, x.dtype)
    if x.dtype not in FLOATS:
        raise InputError(f"{caller}: expected inputs of dtype float32 or float64, got {x.dtype}")
    x = check_array(caller, "inputs", x, (*axes, "features"), x.dtype)
    if x.shape[2] == 0:
        raise InputError(f"{caller}: expected inputs of at least one feature, got shape {x.shape}")
    return x


def seed_path(caller, rng):
    """The start of `How.seed`: a caller's seed, or a number drawn from a caller's Generator."""
    if rng is None:
        return ()
    if isinstance(rng, np.random.Generator):
        return (int(rng.integers(1 << 63)),)
    if isinstance(rng, bool) or not isinstance(rng, int | np.integer) or rng < 0:
        raise InputError(f"{caller}: expected rng to be an integer of at least 0 or a NumPy Generator, got {rng!r}")
    return (int(rng),)


def check_can_stay(cell, device, arrays):
    """Raises `InputError` where one of the arrays is on a GPU and the cell must have NumPy arrays."""
    if not any(map(is_on_device, arrays)):
        return
    caller, plain = type(cell).__name__, isinstance(cell, Cell)
    if not device.startswith("cuda"):
        raise InputError(f"{caller}: expected NumPy arrays on device {device!r}, got one on the GPU")
    if not plain or (type(cell).unroll, type(cell).engine_params) != (Cell.unroll, Cell.engine_params):
        raise InputError(f"{caller}: expected NumPy arrays, as its parts meet there; got one on the GPU")
