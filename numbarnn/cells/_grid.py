"""A grid LSTM over a batch of sequences: each frequency step runs through all of time, the lowest of a block first."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..engines.interface import CellResult, check_finite
from ._grid_step import GridStep
from .base import state_type

State = state_type(("c", "m"))


class Place(NamedTuple):
    """Place of a frequency step: its block, its first input, and whether it is the lowest one of the block."""

    block: int
    start: int
    lowest: bool


def run(cell, slices, params, x, state, mask, options):
    """Run a `GridLSTMCell` whose frequency steps start at the inputs `slices`, a tuple for each block."""
    check_finite(type(cell).__name__, params)
    N, width, step = cell.units, cell.feature_size, step_of(cell)
    places = [Place(b, start, k == 0) for b, starts in enumerate(slices) for k, start in enumerate(starts)]
    blocks, passes = [of_block(cell, b, params) for b in range(len(slices))], []
    nothing = np.zeros((x.shape[1], N), x.dtype)
    for place, first in zip(places, state or [None] * len(places), strict=True):
        below = np.broadcast_to(nothing, (*x.shape[:2], N)) if place.lowest else passes[-1].outputs[:, :, N:]
        inputs = np.concatenate((x[:, :, place.start : place.start + width], below), axis=2)
        own = blocks[place.block]
        own = own | {"kernel": own["kernel"][: inputs.shape[2] - N]}  # of the lowest step, whose m_F is zero, x's rows
        first = first and step.State(first.m, first.c, nothing, nothing)
        passes.append(step.unroll(own, inputs, first, mask, options))

    def backward(d_outputs, d_state, cut=None):
        d_blocks = [{name: np.zeros_like(value) for name, value in block.items()} for block in blocks]
        dx, initial, d_above = np.zeros(x.shape, x.dtype), [], None
        for k, place in reversed(list(enumerate(places))):
            dy, (dc, dm) = None if d_outputs is None else d_outputs[:, :, 2 * N * k : 2 * N * (k + 1)], d_state[k]
            dy = gradient_of_outputs((*x.shape[:2], 3 * N), x.dtype, dy, d_above)
            d_own, d_inputs, d_first = passes[k].backward(dy, step.State(dm, dc, None, None), cut)
            for name, d in d_own.items():
                d_blocks[place.block][name][: len(d)] += d
            dx[:, :, place.start : place.start + width] += d_inputs[:, :, :width]  # slices may overlap
            d_above = None if place.lowest else d_inputs[:, :, width:]
            initial.insert(0, State(d_first.c, d_first.m))
        d_params = {name: d for b, block in enumerate(d_blocks) for name, d in named(cell, b, block).items()}
        return d_params, dx, tuple(initial)

    def side_by_side(values):
        """Join the values of the frequency steps, by name."""
        return {name: np.concatenate([of_step[name] for of_step in values], axis=2) for name in values[0]}

    outputs = np.concatenate([p.outputs[:, :, : 2 * N] for p in passes], axis=2)
    final = tuple(State(p.state.c, p.state.m) for p in passes)
    states = lambda: side_by_side([{name: p.states()[name] for name in State._fields} for p in passes])  # noqa: E731
    gates = lambda: side_by_side([p.gates() for p in passes])  # noqa: E731
    return CellResult(outputs, final, backward, states, gates)


@lru_cache
def step_of(cell):
    """Return the plain cell that each frequency step runs."""
    return GridStep(
        cell.units,
        lstms=cell.lstms,
        gates=cell.gates,
        use_peepholes=bool(cell.use_peepholes),
        cell_clip=cell.cell_clip,
        forget_bias=cell.forget_bias,
    )


def gradient_of_outputs(shape, dtype, d_outputs, d_above):
    """Return the gradient of a frequency step's outputs [m_T, m_F, c_F].

    It is made of the gradient of [m_T, m_F] and that of [m_F, c_F], which the step above reads; either may be None.
    """
    if d_outputs is None and d_above is None:
        return None
    d, N = np.empty(shape, dtype), shape[2] // 3
    d[:, :, : 2 * N] = 0 if d_outputs is None else d_outputs
    d[:, :, 2 * N :] = 0 if d_above is None else d_above[:, :, N:]
    if d_above is not None:
        d[:, :, N : 2 * N] += d_above[:, :, :N]
    return d


def of_block(cell, b, params):
    """Return the parameters of block b as `GridStep` has them: m_T is fed back, x and m_F are inputs."""
    width, end = cell.feature_size, cell.feature_size + cell.units
    kernel = np.hstack([params[f"{lstm}_kernel_{b}"] for lstm in cell.lstms])
    bias = np.concatenate([params[f"{lstm}_bias_{b}"] for lstm in cell.lstms])
    peepholes = {f"{lstm}_peephole": params[f"{lstm}_peephole_{b}"] for lstm in cell.lstms if cell.use_peepholes}
    kernels = {"kernel": np.vstack((kernel[:width], kernel[end:])), "recurrent_kernel": kernel[width:end]}
    return kernels | {"bias": bias} | peepholes


def named(cell, b, own):
    """Invert `of_block`."""
    width, count = cell.feature_size, len(cell.lstms)
    kernel = np.vstack((own["kernel"][:width], own["recurrent_kernel"], own["kernel"][width:]))
    found = {}
    for lstm, part, bias in zip(cell.lstms, np.split(kernel, count, 1), np.split(own["bias"], count), strict=True):
        found |= {f"{lstm}_kernel_{b}": part.copy(), f"{lstm}_bias_{b}": bias}
        if cell.use_peepholes:
            found[f"{lstm}_peephole_{b}"] = own[f"{lstm}_peephole"]
    return found
