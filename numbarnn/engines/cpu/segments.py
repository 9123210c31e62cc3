"""The CPU engine with less memory: of a sequence in segments, only the states between these are kept.

Checkpointing (Chen et al. 2016, "Training deep nets with sublinear memory cost"; Gruslys et al. 2016, "Memory-efficient
backpropagation through time"): the gradient runs each segment once more, the last one first. With segments of sqrt(T)
steps, memory grows with sqrt(T), but for outputs and dx. Gradients have the bits of `engine`: segments are whole blocks
of steps of its backward pass, and each adds to the sums of the later ones. A pass that keeps nothing runs in segments
if its rows are few.
"""

from itertools import accumulate, pairwise
from math import isqrt, prod
from typing import Any, NamedTuple

import numpy as np
from numba import config

from ...runtime import workspace
from ..interface import EngineResult
from . import engine
from .cell_kernels import slots_of
from .plan import sizes_of, steps_of_block
from .teams import FEW_ROWS


class Segments(NamedTuple):
    """What is kept: the resets and the noise of the pass, and for each segment its steps and the states before it."""

    resets: np.ndarray | None
    noise: dict
    parts: list[tuple[slice, Any]]  # in the order of reading
    work_size: int  # bytes that the gradient of each segment can work in


def forward(cell, params, x, initial, mask, resets, reverse, keep, noise):
    """Run a cell over a sequence; see `EngineResult`."""
    (T, B, *features), kernel = x.shape, params["kernel"]
    counts = lengths(cell, kernel.dtype, T, B, *(features or kernel.shape[:1]), keep)
    if len(counts) == 1:
        return engine.forward(cell, params, x, initial, mask, resets, reverse, keep, noise)
    parts, outputs, state, work_size = [], None, initial, 0
    result = EngineResult(cell, params, x, mask, reverse, outputs, state, Segments(resets, noise, parts, work_size))
    for start, end in pairwise(accumulate(counts, initial=0)):
        steps = slice(len(x) - end, len(x) - start) if reverse else slice(start, end)
        part = run_part(result, steps, state, keep)
        parts.append((steps, state))
        if outputs is None:
            outputs = empty((len(x), *part.outputs.shape[1:]), part.outputs.dtype)
        outputs[steps], state = part.outputs, tuple(a.copy() for a in part.state)
        if keep:
            work_size = max(work_size, part.saved.plan.gradients.size)
        del part  # its memory serves the next one
    result.outputs, result.state = outputs, state
    result.saved = result.saved._replace(work_size=work_size) if keep else None
    return result


def lengths(cell, dtype, T, B, I, keep):
    """Return the steps of each segment: about sqrt(T), in whole blocks, and the rest of them in the first."""
    # a pass that keeps nothing needs segments if its rows are few: x W of all steps would be computed before the first
    if not keep and B >= FEW_ROWS * config.NUMBA_NUM_THREADS:
        return [T]
    block = steps_of_block(sizes_of(cell, dtype, T, B, I, I), slots_of(cell))
    steps = max(1, round(isqrt(T) / block)) * block
    count = max(1, T // steps)
    return [T - (count - 1) * steps, *[steps] * (count - 1)]


def run_part(result, steps, state, keep=True):
    """Run a segment from a state."""
    resets, noise, *_ = result.saved
    mask, resets = (None if array is None else array[steps] for array in (result.mask, resets))
    noise = {name: array[steps] if np.ndim(array) == 3 and len(array) > 1 else array for name, array in noise.items()}
    x, reverse = result.x[steps], result.reverse
    return engine.forward(result.cell, result.params, x, state, mask, resets, reverse, keep, noise)


def backward(result, d_outputs, d_state, cut):
    """Compute the gradients of parameters, inputs and initial state; see `EngineResult`."""
    if not isinstance(result.saved, Segments):
        return engine.backward(result, d_outputs, d_state, cut)
    x, work, d_params = result.x, workspace.take(result.saved.work_size), {}
    dx = None if x.ndim == 2 else engine.with_layout_of(x, empty(x.shape, x.dtype))
    for steps, state in reversed(result.saved.parts):
        part = run_part(result, steps, state)
        dy, cuts = (None if array is None else array[steps] for array in (d_outputs, cut))
        d_params, d_x, d_state = engine.backward(part, dy, d_state, cuts, work, continues=bool(d_params))
        if dx is not None:
            dx[steps] = d_x
        del part, d_x  # their memory serves the next one
    return d_params, dx, d_state


def states(result):
    """Return {state: (T, B, n)}, the states after each step."""
    return engine.states(whole(result))


def gates(result):
    """Return {gate: (T, B, H)}, the values of the gates in each step; zeros at padding."""
    return engine.gates(whole(result))


def whole(result):
    """Run the pass once more, with everything kept."""
    if not isinstance(result.saved, Segments):
        return result
    resets, noise, parts, _ = result.saved
    return engine.forward(
        result.cell, result.params, result.x, parts[0][1], result.mask, resets, result.reverse, True, noise
    )


def empty(shape, dtype):
    """Make an array in the memory of the pool."""
    size = workspace.rounded(prod(shape) * dtype.itemsize)
    return np.ndarray(shape, dtype, np.asarray(workspace.take(size)))
