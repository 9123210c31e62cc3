"""A grid LSTM over a batch of sequences: its blocks side by side, each of them a `wavefront` walk."""

import math
from functools import cache

import numpy as np

from . import wavefront
from .cells.base import state_type
from .cells.contract import Pass
from .errors import InputError
from .wavefront import C, M

State = state_type(("c", "m"))


def run(cell, slices, params, x, state, mask, how):
    """The `Pass` of a `GridLSTMCell` whose frequency steps start at these inputs, a tuple of them for each block."""
    for name, value in params.items():
        if not np.isfinite(value).all():
            raise InputError(f"{type(cell).__name__}: values that are not finite in parameter {name}")
    in_time = (lambda array: array[::-1]) if how.reverse else (lambda array: array)
    x, mask = in_time(x), None if mask is None else in_time(mask)
    blocks = [block_of(cell, b, starts, params, how.device) for b, starts in enumerate(slices)]
    ends = np.cumsum([len(starts) for starts in slices])
    parts = [slice(end - len(starts), end) for starts, end in zip(slices, ends, strict=True)]

    @cache
    def walks():
        first = [None if state is None else state[part] for part in parts]
        return [wavefront.forward(block, x, s, mask) for block, s in zip(blocks, first, strict=True)]

    def of_each_step(values):
        return [values(walk, k) for walk in walks() for k in range(len(walk.block.slices))]

    def side_by_side(arrays, visible=None):
        """(T, B, n) in the order of the inputs, zeros where not `visible`, from (T, B, ...) of each frequency step."""
        array = np.stack(arrays, axis=2)
        array = array.reshape(*array.shape[:2], math.prod(array.shape[2:]))
        if visible is not None:
            array[~visible] = 0
        return in_time(array)

    def backward(d_outputs, d_state):
        d_params, dx, initial = {}, np.zeros(x.shape, x.dtype), ()
        if d_outputs is not None:
            d_outputs = in_time(d_outputs).reshape(*x.shape[:2], ends[-1], 2, cell.units)
        for b, (walk, part) in enumerate(zip(walks(), parts, strict=True)):
            dy = None if d_outputs is None else d_outputs[:, :, part]
            d_kernel, d_peepholes, d_inputs, d_first = wavefront.backward(walk, dy, d_state[part])
            d_params |= named(cell, b, d_kernel, d_peepholes)
            dx += d_inputs
            initial += tuple(State(*pair) for pair in d_first)
        return d_params, in_time(dx), initial

    def states():
        return {
            name: side_by_side(of_each_step(lambda walk, k, kind=kind: walk.carried(kind, k)[1:]))
            for name, kind in (("c", C), ("m", M))
        }

    def gates():
        kept = of_each_step(wavefront.Walk.gates)
        return {
            f"{lstm}_{gate}": side_by_side([values[:, :, i, j] for values in kept], mask)
            for i, lstm in enumerate(cell.lstms)
            for j, gate in enumerate("ifgo")
        }

    outputs = side_by_side(of_each_step(wavefront.Walk.outputs), mask)
    final = tuple(State(*pair) for pair in of_each_step(lambda walk, k: [walk.carried(kind, k)[-1] for kind in (C, M)]))
    if not how.keep:
        walks.cache_clear()
        final = tuple(State(c.copy(), m.copy()) for c, m in final)
    return Pass(outputs, final, backward, states, gates)


def block_of(cell, b, slices, params, device):
    """The `wavefront.Block` of block b."""
    N, gates = cell.units, cell.gates
    forget = [cell.forget_bias if gate == "f" else 0 for gate in gates]
    kernels = []
    for lstm in cell.lstms:
        kernel = params[f"{lstm}_kernel_{b}"]
        kernels.append(np.vstack((kernel, params[f"{lstm}_bias_{b}"] + np.repeat(forget, N).astype(kernel.dtype))))
    kernel = np.hstack(kernels)
    nothing = np.zeros((2 * len(gates) - 2, N), kernel.dtype)
    peepholes = np.stack([params.get(f"{lstm}_peephole_{b}", nothing) for lstm in cell.lstms])
    limit = np.full(N, np.inf if cell.cell_clip is None else cell.cell_clip, kernel.dtype)
    return wavefront.Block(cell.equations, kernel, peepholes, limit, slices, cell.feature_size, device)


def named(cell, b, d_kernel, d_peepholes):
    """Gradients under the names of the parameters of block b."""
    named = {}
    for lstm, kernel, peephole in zip(cell.lstms, np.split(d_kernel, len(cell.lstms), 1), d_peepholes, strict=True):
        named |= {f"{lstm}_kernel_{b}": kernel[:-1].copy(), f"{lstm}_bias_{b}": kernel[-1].copy()}
        if cell.use_peepholes:
            named[f"{lstm}_peephole_{b}"] = peephole
    return named
