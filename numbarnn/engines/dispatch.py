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

    states, gates = (lambda: compute.states(saved())), (lambda: compute.gates(saved()))
    return CellResult(trace.outputs, cell.State(*trace.state), backward, states, gates)
