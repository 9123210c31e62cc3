"""The CUDA engine: the contract of `EngineResult`, on a GPU.

Products that need no order in time (x W before the walk; the gradients of x and of all weights after it) are one
product each over all steps. What happens between is a walk: `choose` says which. What a pass gives back is on the
device where x was, and in NumPy arrays where x was one.
"""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...maths import zero as zero_like
from ..interface import EngineResult, check_finite
from .arrays import as_device, contiguous, everyone, is_on_device, launch, put
from .blas import STRICT, matrix, multiply
from .choose import walk_for
from .device_array import DeviceArray
from .memory import empty, nothing, zero, zeros
from .products import ONES, Products
from .tape import VALID, begin, flags_on_device
from .target import require_gpu


@dataclass
class Gradients:
    """What the walk back works with; of the states first the gradients of the end, then those of the start."""

    outputs: Any  # (T, B, F) of the outputs, or nothing
    states: Any  # (states, 1, B, H)
    y: Any  # (B, F) of a projected output
    q: Any  # (1, B, kinds, H)
    norms: Any  # (B, 2, normed, H): of scale and of shift, a sum for each row
    stops: bool  # whether there are steps that no gradient passes


def forward(cell, params, x, initial, mask, resets, reverse, keep, noise, mode=STRICT):
    require_gpu()
    here = {name: value for name, value in params.items() if not is_on_device(value)}
    check_finite(type(cell).__name__, here)
    tape = begin(cell, params, x, initial, mask, resets, reverse, noise, mode)
    walk_for(tape).forward(tape)
    back = back_to(x)
    state = tuple(back(array[0 if reverse else len(x)]) for array in seen(tape))
    return EngineResult(cell, params, x, mask, reverse, back(outputs(tape, mask)), state, tape if keep else None)


def outputs(tape, mask):
    """(T, B, n): states side by side, zeros where masked; where that is one state at all times, over its memory."""
    arrays = [tape.after_steps(tape.states[i] if i else tape.fed) for i in tape.cell.output_states]
    if mask is None and len(arrays) == 1:
        return arrays[0]
    start, found = 0, empty((*arrays[0].shape[:2], sum(array.shape[2] for array in arrays)), tape.real)
    for array in arrays:
        launch(copy_valid, array.size, array, tape.flags, found, start)
        start += array.shape[2]
    return found


def copy_valid(source, flags, to, start):
    B, n = source.shape[1:]
    for i in everyone(source.size):
        t, b, u = i // (B * n), i // n % B, i % n
        to[t, b, start + u] = source[t, b, u] if flags[t, b] & VALID else zero_like(source[t, b, u])


def back_to(x):
    """What makes of an array of the device one that is where x is."""
    return (lambda array: array) if is_on_device(x) else DeviceArray.copy_to_host


def seen(tape):
    """The states that a caller sees, each (T + 1, B, n)."""
    return tape.exposed(tape.y, [tape.states[i] for i in range(len(tape.cell.states))])


def backward(trace, d_outputs, d_state, cut):
    tape, trace.saved = trace.saved, None  # its z becomes dz
    d = begin_backward(tape, d_outputs, d_state, trace.mask, cut)
    walk_for(tape).backward(tape, d)
    d_params, dx = gradients(tape, d)
    start = tape.exposed(d.y, [d.states[i, 0] for i in range(len(tape.cell.states))])
    back = back_to(trace.x)
    return {name: back(array) for name, array in d_params.items()}, back(dx), tuple(map(back, start))


def begin_backward(tape, d_outputs, d_state, mask, cut):
    cell, real, (T, B, _, H) = tape.cell, tape.real, tape.z.shape
    if cut is not None:
        tape.flags = flags_on_device(T, B, mask, tape.resets, cut)
    states, projected = len(cell.states), tape.y is not None
    d = Gradients(
        outputs=nothing(3, real) if d_outputs is None else contiguous(as_device(d_outputs)),
        states=zeros((states, 1, B, H), real),
        y=zeros((B, cell.state_width), real) if projected else None,
        q=empty((1, B, tape.slots.kinds, H), real) if tape.slots.kinds else nothing(4, real),
        norms=zeros((B, 2, len(cell.normed), H), real) if cell.norms else None,
        stops=cut is not None,
    )
    for array, value in zip(tape.exposed(d.y, [d.states[i, 0] for i in range(states)]), d_state, strict=True):
        if value is not None:
            put(value, array)
    return d


def gradients(tape, d):
    """Of all parameters and of x, from dz of all steps."""
    cell, dz = tape.cell, tape.rows(tape.z)
    d_params = {name: empty(value.shape, tape.real) for name, value in tape.params.items()}
    fed = tape.before_steps(tape.fed) if tape.before is None else tape.before
    ones = matrix(column_of_ones(dz.rows, tape.real))
    sources = {"x": tape.rows(tape.x), "h": tape.rows(fed), ONES: ones}
    sources |= {kind: tape.rows(tape.q).block(kind * cell.units, cell.units) for kind in range(tape.slots.kinds)}
    for source, rows in sources.items():
        Products(tape, source).of_weights(rows, dz, d_params)
    if tape.r is not None:
        first = tape.rows(tape.after_steps(tape.states[0]))
        multiply(first, tape.rows(tape.r), matrix(d_params["projection_kernel"]), turn_a=True, mode=tape.mode)
    if cell.norms:
        sums = empty((2, len(cell.normed), cell.units), tape.real)
        per_row = matrix(d.norms, sums.size)
        multiply(ones.part(0, per_row.rows), per_row, matrix(sums, sums.size), turn_a=True)
        d_params |= {"norm_scale": sums[0], "norm_shift": sums[1]}
    return d_params, gradient_of_inputs(tape, dz)


@functools.lru_cache(32)
def column_of_ones(rows, real):
    """What sums over rows, as a product."""
    return as_device(np.ones((rows, 1), real))


def gradient_of_inputs(tape, dz):
    dx, products = empty(tape.x.shape, tape.real), Products(tape, "x")
    if not products.weights or products.weights[0].rows < dx.shape[2]:
        zero(dx)
    for multiply_back in products.back(dz, tape.rows(dx), add=False):
        multiply_back()
    for slot, fed in enumerate(tape.cell.inputs.values()):
        if fed == "u":
            launch(add_units, tape.z.size // tape.slots.count, tape.z, slot, dx)
    return dx


def add_units(z, slot, dx):
    """Of the last inputs, which each unit reads itself."""
    B, _, H = z.shape[1:]
    for i in everyone(z.shape[0] * B * H):
        t, b, u = i // (B * H), i // H % B, i % H
        dx[t, b, dx.shape[2] - H + u] += z[t, b, slot, u]


def states(trace):
    """Every state after each step, (T, B, n); for looking at, so in NumPy."""
    tape = trace.saved
    names = trace.cell.State._fields
    return {name: tape.after_steps(a).copy_to_host() for name, a in zip(names, seen(tape), strict=True)}


def gates(trace):
    """Every gate's value in each step, (T, B, H), in NumPy; zeros where masked."""
    z = trace.saved.z.copy_to_host()
    valid = True if trace.mask is None else trace.mask[:, :, None]
    return {name: np.where(valid, z[:, :, i], 0).astype(z.dtype) for i, name in enumerate(trace.cell.saved)}
