"""Run a plain cell on the engine of its device."""

from functools import cache
from importlib import import_module

import numpy as np
from numba import config

from ..errors import InputError
from .fixed_params import FixedParams
from .interface import CellResult
from .on_device import is_on_device

DEVICES = {
    "cpu": ".cpu.engine",
    "numpy": ".reference",
    "njit": ".loops",
    "cuda": ".cuda.engine",
    "cuda tf32": ".cuda.tf32",
}

IN_SEGMENTS = {"cpu": ".cpu.segments"}  # those that can keep less


@cache
def engine(device, segments=False):
    """Import the engine of a device, or that for segments if there is one; `EngineResult` describes its functions.

    Without a compiler NumPy replaces the engines that need one. The loops of "njit" then run as Python, step by step in
    a debugger.
    """
    device = "numpy" if config.DISABLE_JIT and device != "njit" else device
    return import_module(IN_SEGMENTS.get(device, DEVICES[device]) if segments else DEVICES[device], __package__)


def unroll(cell, params, x, state, mask, options):
    """Run a plain cell over x on the engine of `options.device`.

    On "cpu", "numpy" and "njit" x may also be int64 indices (T, B), treated as one-hot vectors; they have no gradient.
    """
    compute = engine(options.device if x.size else "numpy", options.segments)  # no kernel runs on an empty batch
    dtype = x.dtype if x.ndim == 3 else params["kernel"].dtype
    if state is not None or mask is not None or options.resets is not None:
        check_given(cell, x, state, dtype, mask, options.resets)
    given, empty = state, _empty_rows(x, state, mask, options.resets)
    if empty is not None:
        state = tuple(np.where(empty, array.dtype.type(0), array) for array in given)
    drawn = cell.draw(options.rows.whole((*x.shape[:2], cell.units), 1), dtype, options)
    params, noise = engine_params(cell, params), {name: options.rows.own(each, 1) for name, each in drawn.items()}
    check_inputs(cell, params["kernel"], x)
    arguments = cell, params, x, state, mask, options.resets, options.reverse
    result = compute.forward(*arguments, options.keep, noise)
    kept, result.saved = [result.saved], None

    def take():
        """Return a result of one's own with everything kept, which a gradient uses up."""
        try:
            saved = kept.pop()  # which one thread alone gets
        except IndexError:
            saved = None
        saved = saved or compute.forward(*arguments, True, noise).saved  # else the same pass once more
        return result.with_saved(saved)

    def backward(d_outputs, d_state, cut=None):
        if d_outputs is not None and not is_on_device(d_outputs):
            d_outputs = np.asarray(d_outputs, dtype)  # kernels do not check the dtype
        if d_outputs is not None and d_outputs.shape != result.outputs.shape:
            expected = f"a gradient of its outputs of shape {result.outputs.shape}"
            raise InputError(f"{type(cell).__name__}: expected {expected}, got {d_outputs.shape}")
        own, cuts = take(), options.cuts(cut, x.shape[:2])
        d_params, dx, initial = compute.backward(own, d_outputs, d_state, cuts)
        kept[:] = [own.saved]
        return cell.own_gradients(d_params), dx, cell.State(*initial)

    def look(task):
        """Apply a function of the engine to a result, and keep that for others."""
        own = take()
        found, kept[:] = task(own), [own.saved]
        return found

    def put_back(arrays):
        """Give the rows without a valid step, (..., B, n) in each state, the initial state that they were given."""
        return arrays if empty is None else [np.where(empty, g, a) for g, a in zip(given, arrays, strict=True)]

    def states():
        found = look(compute.states)
        return dict(zip(found, put_back([*found.values()]), strict=True))

    # copies: the gradient reads the engine's arrays, and the caller may change these
    final = cell.State(*put_back([a if is_on_device(a) else a.copy() for a in result.state]))
    return CellResult(result.outputs, final, backward, states, lambda: look(compute.gates))


def plan_memory(cell, memory, inputs, options):
    """Plan the memory of `unroll` on the CPU; returns a function that plans the gradient's."""
    backward = import_module(".cpu.planned", __package__).plan_memory(cell, memory, inputs, options)
    states = inputs.batch, sum(cell.state_size)
    memory.array("final state", states, inputs.dtype.itemsize)

    def planned_backward():
        backward()
        memory.array("gradients", states, inputs.dtype.itemsize)

    return planned_backward


def engine_params(cell, params):
    """Return the parameters as engines read them; of fixed parameters they are made once."""
    if not isinstance(params, FixedParams):
        return cell.engine_params(params)
    return params.once(("engine", cell), lambda: fixed(params, cell.engine_params(params)))


def fixed(params, made):
    """Return what was made of fixed parameters as `FixedParams`."""
    return params if made is params else FixedParams(made)


def can_repeat(cell):
    """Return whether passes of a cell can run again and again in the same memory: see `repeated_pass`."""
    if config.DISABLE_JIT or type(cell).unroll is not unroll:
        return False
    return not {"m", "u"} & set(cell.inputs.values())


def repeated_pass(cell, params, T, B, I):
    """Make a `RepeatedPass` over T steps of B rows of I inputs, with fixed parameters as engines read them."""
    return import_module(".cpu.repeated_pass", __package__).RepeatedPass(cell, params, T, B, I)


def check_inputs(cell, kernel, x):
    """Raise `InputError` unless the inputs fit the kernel; those from another cell may not be what it declares."""
    if x.ndim == 2 or (x.shape[2] == kernel.shape[0] and x.dtype == kernel.dtype):
        return
    width = kernel.shape[0] + (cell.units if "u" in cell.inputs.values() else 0)  # u: each unit reads one of its own
    if x.shape[2] != width or x.dtype != kernel.dtype:
        expected, got = f"{width} features of dtype {kernel.dtype}", f"{x.shape[2]} of {x.dtype}"
        raise InputError(f"{type(cell).__name__}: expected {expected} from the cell before it, got {got}")


def check_given(cell, x, state, dtype, *of_steps):
    """Raise `InputError` unless states are arrays (B, n), and masks and resets booleans (T, B).

    Those that come from a cell around this one are checked nowhere else.
    """
    steps_and_rows = x.shape[:2]
    for array, size in zip(state or (), cell.state_size, strict=False):
        if array.shape != (x.shape[1], size) or array.dtype != dtype:
            _refuse_given(cell, f"initial states of {dtype}, shape {(x.shape[1], size)}", array)
    for array in of_steps:
        if array is not None and (array.shape != steps_and_rows or array.dtype.kind != "b"):
            _refuse_given(cell, f"a mask or resets of bool, shape {steps_and_rows}", array)


def _refuse_given(cell, expected, array):
    got = f"{array.dtype}, {array.shape}"
    raise InputError(f"{type(cell).__name__}: expected {expected}, from the cell around it, got {got}")


def _empty_rows(x, state, mask, resets):
    """Find rows whose initial state must be left out of the pass, booleans (B, 1); None if there are none.

    They have no valid step, and NaN in their initial state would reach weight gradients. Rows with a reset, and arrays
    on a GPU, stay as they are.
    """
    if mask is None or state is None or any(map(is_on_device, (x, *state))):
        return None
    empty = ~mask.any(axis=0) if resets is None else ~(mask | resets).any(axis=0)
    return empty[:, None] if empty.any() else None
