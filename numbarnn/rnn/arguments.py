"""Checks of the arguments of a run: each returns its argument in the form that runs need, or raises `InputError`."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..cells.base import Cell
from ..cells.rnn_cell import RNNCell
from ..engines.device_arrays import as_array
from ..engines.fixed_params import FixedParams
from ..engines.on_device import is_on_device
from ..errors import InputError
from ..utils.arrays import FLOATS, plain_array
from ..utils.tree import tree_map, tuple_like


def check_cell(caller: str, cell: Any) -> None:
    """Raise `InputError` unless this is a cell."""
    if not isinstance(cell, RNNCell):
        raise InputError(f"{caller}: expected a cell such as LSTMCell(units), got {type(cell).__name__}")


def check_truth_values(caller: str, **options: Any) -> None:
    """Raise `InputError` unless all of these are True or False."""
    for name, value in options.items():
        if not isinstance(value, bool | np.bool_):
            raise InputError(f"{caller}: expected {name} to be True or False, got {value!r}")


def check_array(caller: str, what: str, value: Any, shape: tuple, dtype: np.dtype) -> Any:
    """Return `value` as an array of this shape and dtype; `shape` holds sizes, and names of sizes that are free."""
    if type(value) is np.ndarray and value.shape == shape and value.dtype == dtype:
        return value
    array = as_array(value) if is_on_device(value) else plain_array(caller, what, value)
    if array.ndim != len(shape) or any(
        a != n for a, n in zip(array.shape, shape, strict=True) if not isinstance(n, str)
    ):
        expected = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
        raise InputError(f"{caller}: expected {what} of shape {expected}, got {array.shape}")
    if array.dtype != dtype:
        raise InputError(f"{caller}: expected {what} of dtype {dtype}, got {array.dtype}")
    return array


@lru_cache
def shapes_of(cell: RNNCell, input_size: int | None) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of a cell's parameters."""
    return cell.param_shapes(input_size)  # pyright: ignore[reportArgumentType]  # None for a cell that takes integers


def check_params(
    cell: RNNCell, params: Any, input_size: int | None, dtype: np.dtype | None = None
) -> dict[str, np.ndarray]:
    """Return the parameters as arrays of `dtype`, by default the dtype of the first one."""
    caller, shapes = type(cell).__name__, shapes_of(cell, input_size)
    if not isinstance(params, dict) or params.keys() != shapes.keys():
        got = sorted(params) if isinstance(params, dict) else type(params).__name__
        raise InputError(f"{caller}: expected a dict of the parameters {', '.join(shapes)}, got {got}")
    if dtype is None:
        dtype = next((as_array(value).dtype for value in params.values()), np.dtype("float32"))
        if dtype not in FLOATS:
            raise InputError(f"{caller}: expected parameters of dtype float32 or float64, got {dtype}")
    checked = {
        name: check_array(caller, f"parameter {name}", params[name], shape, dtype) for name, shape in shapes.items()
    }
    return params if isinstance(params, FixedParams) else checked


def check_state(cell: RNNCell, what: str, state: Any, batch: int, dtype: np.dtype, partial: bool = False) -> Any:
    """Return a state as arrays (B, size) nested like the cell's `state_size`; None stays None.

    If `partial`, parts of the state may be None too.
    """
    if state is None:
        return None
    caller = type(cell).__name__

    def check(what, value, size):
        return check_array(caller, what, value, (batch, size), dtype)

    return nested_state(caller, what, state, cell.state_size, check, partial)


def nested_state(caller: str, what: str, state: Any, sizes: Any, check: Callable, partial: bool = False) -> Any:
    """Return a state nested like `sizes`, each part as `check(what, part, size)` returns it.

    If `partial`, parts of the state may be None.
    """
    if state is None and partial:
        return tree_map(lambda _: None, sizes) if isinstance(sizes, tuple) else None
    if isinstance(sizes, tuple):
        names = getattr(sizes, "_fields", tuple(map(str, range(len(sizes)))))
        if isinstance(state, np.ndarray) or not isinstance(state, tuple | list) or len(state) != len(sizes):
            expected = f"State({', '.join(names)})" if hasattr(sizes, "_fields") else f"a tuple of {len(sizes)} states"
            raise InputError(f"{caller}: expected {what} to be {expected}, got {type(state).__name__}")
        state = in_order(caller, what, state, sizes, names)
        parts = zip(names, state, sizes, strict=True)
        return tuple_like(sizes, [nested_state(caller, f"{what}.{n}", s, size, check, partial) for n, s, size in parts])
    if state is None:
        raise InputError(f"{caller}: expected an array for {what}, got None")
    return check(what, state, sizes)


def in_order(caller: str, what: str, state: Any, sizes: Any, names: tuple[str, ...]) -> Any:
    """Return the parts of a state in the order of `names`.

    A named tuple of another order, such as TensorFlow's LSTMStateTuple (c, h), is read by its names. Raise `InputError`
    for arrays that fit in the opposite order alone.
    """
    given = getattr(state, "_fields", names)
    if given != names and set(given) == set(names):
        return tuple(getattr(state, name) for name in names)
    if sizes == sizes[::-1]:
        return state
    widths = [np.shape(part)[-1:] for part in state if not isinstance(part, tuple | list)]
    if widths == [(size,) for size in reversed(sizes)]:
        raise InputError(
            f"{caller}: expected {what} in the order ({', '.join(names)}), of widths {', '.join(map(str, sizes))}; got "
            "the opposite order"
        )
    return state


def valid_steps(
    caller: str, lengths: ArrayLike | None, mask: ArrayLike | None, steps: int, batch: int, time_major: bool
) -> np.ndarray | None:
    """Return booleans (T, B), true at valid steps, from lengths or a mask; None if all steps are valid."""
    if lengths is not None and mask is not None:
        raise InputError(f"{caller}: expected lengths or mask, got both")
    if lengths is not None:
        lengths = plain_array(caller, "lengths", lengths)
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


def check_steps(
    caller: str, what: str, values: ArrayLike | None, steps: int, batch: int, time_major: bool
) -> np.ndarray | None:
    """Return booleans laid out as the inputs as an array (T, B); None stays None."""
    if values is None:
        return None
    array = check_array(caller, what, values, (steps, batch) if time_major else (batch, steps), np.dtype(bool))
    return array if time_major else array.T


def seed_path(caller: str, rng: int | np.random.Generator | None) -> tuple[int, ...]:
    """Return the start of `RunOptions.seed`: a seed, or a number drawn from a Generator; empty for None."""
    if rng is None:
        return ()
    if isinstance(rng, np.random.Generator):
        return (int(rng.integers(1 << 63)),)
    if isinstance(rng, bool) or not isinstance(rng, int | np.integer) or rng < 0:
        raise InputError(f"{caller}: expected rng to be an integer of at least 0 or a NumPy Generator, got {rng!r}")
    return (int(rng),)


def shared_generator(caller: str, rng: int | np.random.Generator | None) -> np.random.Generator | None:
    """Return one Generator for several runs, so that each draws random numbers of its own; None stays None."""
    return None if rng is None else np.random.default_rng(seed_path(caller, rng))


def check_can_stay(cell: RNNCell, device: str, arrays: tuple) -> None:
    """Raise `InputError` if one of the arrays is on a GPU and the cell needs NumPy arrays."""
    if not any(map(is_on_device, arrays)):
        return
    caller = type(cell).__name__
    if not device.startswith("cuda"):
        raise InputError(f"{caller}: expected NumPy arrays on device {device!r}, got one on the GPU")
    kind = type(cell)
    if not issubclass(kind, Cell) or (kind.unroll, kind.engine_params) != (Cell.unroll, Cell.engine_params):
        raise InputError(f"{caller}: expected NumPy arrays, as its parts meet there; got one on the GPU")
