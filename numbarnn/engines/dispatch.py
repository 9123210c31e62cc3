"""Which engine runs a plain cell."""

from functools import cache
from importlib import import_module

import numpy as np
from numba import config

from .interface import CellResult
from .on_device import is_on_device

DEVICES = {"cpu": ".cpu.engine", "numpy": ".reference", "cuda": ".cuda.engine", "cuda tf32": ".cuda.tf32"}


@cache
def engine(device):
    """The engine's module; see `EngineResult` for what it offers."""
    return import_module(DEVICES["numpy" if config.DISABLE_JIT else device], __package__)


def unroll(cell, params, x, state, mask, options):
    """Run a plain cell over x on the engine of `options.device`.

    On "cpu" and "numpy" x may also be int64 indices (T, B), treated as one-hot vectors; they have no gradient.
    """
    compute = engine(options.device if x.size else "numpy")  # nothing to do: no kernel
    dtype = x.dtype if x.ndim == 3 else params["kernel"].dtype
    state, copied = _without_empty_rows(x, state, mask, options.resets)
    params, noise = cell.engine_params(params), cell.draw((*x.shape[:2], cell.units), dtype, options)
    trace = compute.forward(cell, params, x, state, mask, options.resets, options.reverse, options.keep, noise)

    def saved():
        """A trace with everything kept: this one, or the same pass once more."""
        if trace.saved is None:
            trace.saved = compute.forward(
                cell, params, x, state, mask, options.resets, options.reverse, True, noise
            ).saved
        return trace

    def backward(d_outputs, d_state, cut=None):
        if d_outputs is not None and not is_on_device(d_outputs):
            d_outputs = np.asarray(d_outputs, dtype)  # kernels take memory for what they were told
        d_params, dx, initial = compute.backward(saved(), d_outputs, d_state, options.cuts(cut, x.shape[:2]))
        return cell.own_gradients(d_params), dx, cell.State(*initial)

    def states():
        found = compute.states(saved())
        return {name: copied(i, array) for i, (name, array) in enumerate(found.items())}

    final = cell.State(*(copied(i, array) for i, array in enumerate(trace.state)))
    return CellResult(trace.outputs, final, backward, states, lambda: compute.gates(saved()))


def _without_empty_rows(x, state, mask, resets):
    """Replace the initial state of rows without a valid step by zeros, since NaN in it would reach weight gradients.

    Return it with a function that puts the rows back: copied(i, the i-th state (..., B, n)). Rows with a reset, and
    arrays on a GPU, stay as they are.
    """
    if mask is None or state is None or any(map(is_on_device, (x, *state))):
        return state, lambda i, array: array
    empty = ~mask.any(axis=0) if resets is None else ~(mask | resets).any(axis=0)
    if not empty.any():
        return state, lambda i, array: array
    empty = empty[:, None]
    zeros = tuple(np.where(empty, array.dtype.type(0), array) for array in state)
    return zeros, lambda i, array: np.where(empty, state[i], array)
