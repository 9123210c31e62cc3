"""The CPU engine: arrays in, arrays out; between them, kernels that are told addresses.

Same functions as `plain`; see `Trace` for the contract. Nothing is checked here.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..trace import Trace
from . import workspace
from .call import POSITION
from .plan import Plan, plan, span
from .threads import run, threads_for

STATES, WORK, GRADIENTS = span("h", "y"), span("z", "shifts"), span("dh", "dn")
X, MASK, DX, DY, DV_Y = (
    span(*ends) for ends in (("x", "x_b"), ("mask", "mask_b"), ("dx", "dx_b"), ("dy", "dy_b"), ("dv_y", "dv_b"))
)
WEIGHTS, D_PARAMS, E = span("kernel", "shift"), span("d_kernel", "d_shift"), span("e", "e_b")
MATRICES = "kernel", "recurrent_kernel", "feedback_kernel", "vectors", "projection_kernel", "norm_scale", "norm_shift"
HERE, Y, ZEROS, NOT_FINITE = (POSITION[name] for name in ("here", "y", "zeros", "not_finite"))
RECURRENT, FEEDBACK, D_RECURRENT, D_FEEDBACK = (
    POSITION[name] for name in ("recurrent", "feedback_kernel", "d_recurrent", "d_feedback")
)


@dataclass
class Saved:
    """What the forward pass keeps for the gradient: its call, and the memory that the call speaks of."""

    plan: Plan
    numbers: np.ndarray
    x: np.ndarray
    weights: dict  # what the call points to, held alive
    states: np.ndarray
    work: workspace.Lease


def address(array):
    return array.__array_interface__["data"][0]


def readable(array):
    """The array, or a contiguous copy where kernels cannot step through it."""
    steps, size = array.strides, array.itemsize
    return array if steps[-1] == size and not any(s % size for s in steps) else np.ascontiguousarray(array)


def walked(at, array, reverse):
    """Address and strides, in numbers, of the first two axes of an array at an address that is walked in time."""
    (t, b), size = array.strides[:2], array.itemsize
    return (at + (len(array) - 1) * t, -t // size, b // size) if reverse else (at, t // size, b // size)


def laid_out_as(x, memory):
    """An array (T, B, I) over `memory` (T, B, I): batch-major inside where x is."""
    T, B, I = x.shape
    return memory.reshape(B, T, I).transpose(1, 0, 2) if x.strides[0] < x.strides[1] else memory


def vectors_of(cell, params, offset):
    """The vectors added to each pre-activation, in the order of the inputs, as one array."""
    if list(cell.vectors) == ["bias"] and params["bias"].size == offset.size:
        return params["bias"] + offset
    vectors, names = offset.copy().reshape(-1, cell.units), list(cell.inputs)
    for parameter, fed in cell.vectors.items():
        vectors[[names.index(name) for name in fed]] += params[parameter].reshape(-1, cell.units)
    return vectors.reshape(-1)


def vector_gradients(cell, vectors):
    """The gradients of the parameters that `vectors_of` put together."""
    names, rows = list(cell.inputs), vectors.reshape(-1, cell.units)
    whole = {parameter: [names.index(name) for name in fed] for parameter, fed in cell.vectors.items()}
    return {name: vectors if len(rows) == len(places) else rows[places] for name, places in whole.items()}


def given_numbers(cell, names, given, dtype):
    """e[t, b, draw, H]; axes along which nothing changes have stride 0."""
    arrays = np.broadcast_arrays(
        *(
            np.asarray(given[name], dtype).reshape((1,) * (3 - np.ndim(given[name])) + np.shape(given[name]))
            for name in names
        ),
        np.empty((1, 1, cell.units), dtype),
    )[:-1]
    return np.ascontiguousarray(np.stack(arrays, axis=2))


def forward(cell, params, x, initial, mask, reverse, keep, given):
    (T, B, I), H, x = x.shape, cell.units, readable(x)
    threads = threads_for(T * B * len(cell.inputs) * H * (I + H))
    p = plan(cell, x.dtype, T, B, I, keep, mask is not None, threads)
    states, work = workspace.take(p.states.size), workspace.take(p.work.size)
    weights = {name: np.ascontiguousarray(params[name]) for name in MATRICES if name in params}
    weights["vectors"] = vectors_of(cell, params, p.offset)

    n = p.template.copy()
    here = n[HERE] = address(n)
    n[STATES] += states.address
    n[WORK] += work.address
    n[WEIGHTS] = [address(weights[name]) if name in weights else 0 for name in MATRICES]
    if "feedback_kernel" not in weights:
        n[FEEDBACK] = n[RECURRENT]
    n[X] = walked(address(x), x, reverse)
    if p.draws:
        weights["given"] = e = given_numbers(cell, p.draws, given, x.dtype)
        start, t, b = walked(address(e), e, reverse)
        n[E] = (address(e), 0, b) if len(e) == 1 else (start, t, b)
        n[E.stop - 1] *= e.shape[1] > 1
    if mask is None:
        n[Y] = 0
    else:
        n[MASK] = walked(address(mask), mask, reverse)

    saved = Saved(p, n, x, weights, np.asarray(states), work)
    for array, value in zip(first_states(p, saved.states), initial or (None,) * len(cell.state_size), strict=True):
        array[:] = 0
        if value is not None:
            array[:, : value.shape[1]] = value
    if cell.num_proj is not None and not cell.carries_output:
        p.states.array("h", saved.states)[0] = 0
    run(p.forward, 2, 1, p.threads, p.row_shards, here)
    if n[NOT_FINITE]:
        names = [name for name, value in params.items() if not np.isfinite(value).all()]
        raise InputError(f"{type(cell).__name__}: values that are not finite in parameter {', '.join(names)}")
    every = all_states(p, saved.states)
    outputs = every[-1 if cell.last_is_output else 0] if mask is None else p.states.array("y", saved.states)
    final = tuple(a[-1] for a in every)
    return Trace(cell, params, x, mask, reverse, outputs[::-1] if reverse else outputs, final, saved if keep else None)


def state_arrays(cell, layout, memory, h, v, c):
    """The states that a caller sees, in their order: [T, B, numbers with padding], or [B, numbers] of gradients."""
    first, out = layout.array(h, memory), layout.array(v, memory)
    others = np.moveaxis(layout.array(c, memory), -2, 0)
    if cell.num_proj is None:
        return first, *others
    return (out, first, *others) if cell.carries_output else (out, *others)


def first_states(p, memory):
    return [a[0] for a in state_arrays(p.cell, p.states, memory, "h", "v", "c")]


def all_states(p, memory):
    """States after each step, without padding; of those that only the last step has, that one."""
    arrays = state_arrays(p.cell, p.states, memory, "h", "v", "c")
    return [a[min(1, len(a) - 1) :, :, :size] for a, size in zip(arrays, p.cell.state_size, strict=True)]


def backward(trace, d_outputs, d_state):
    saved, cell = trace.saved, trace.cell
    p, n, x = saved.plan, saved.numbers, saved.x
    trace.saved = None  # its memory becomes dz
    work, made = workspace.take(p.gradients.size), workspace.take(p.results.size)
    results, places = np.asarray(made), p.results.places
    dx = laid_out_as(x, p.results.array("dx", results))
    kernel, kernels = p.backward
    for position, at in kernels.items():
        n[position] = at
    n[GRADIENTS] = p.template[GRADIENTS] + work.address
    n[D_PARAMS] = [made.address + places[name][0] if name in places else 0 for name in MATRICES]
    if "feedback_kernel" not in places:
        n[D_FEEDBACK] = n[D_RECURRENT]
    n[DX] = walked(made.address + places["dx"][0], dx, trace.reverse)
    n[DY] = n[DV_Y] = n[ZEROS], 0, 0
    if d_outputs is not None:
        d_outputs = readable(d_outputs)
        n[DY if cell.num_proj is None else DV_Y] = walked(address(d_outputs), d_outputs, trace.reverse)

    memory = np.asarray(work)
    carried = state_arrays(cell, p.gradients, memory, "dh", "dv", "dc")
    if cell.num_proj is not None and not cell.carries_output:
        p.gradients.array("dh", memory)[:] = 0
    for array, d, size in zip(carried, d_state, cell.state_size, strict=True):
        array[:] = 0
        if d is not None:
            array[:, :size] = d
    if cell.norms:
        p.gradients.array("dn", memory)[:] = 0
    run(kernel, 2 * p.blocks + 2, p.blocks, p.threads, p.row_shards, int(n[HERE]))
    initial = tuple(a[:, :size].copy() for a, size in zip(carried, cell.state_size, strict=True))
    vectors = vector_gradients(cell, p.results.array("vectors", results))
    d_params = {name: vectors[name] if name in vectors else p.results.array(name, results) for name in trace.params}
    return {name: d.reshape(trace.params[name].shape) for name, d in d_params.items()}, dx, initial


def in_time(trace, array):
    """(T, B, n) in the order of the inputs, from the order of the steps."""
    return (array[::-1] if trace.reverse else array).copy()


def states(trace):
    """Every state after each step, (T, B, n)."""
    arrays = all_states(trace.saved.plan, trace.saved.states)
    return {name: in_time(trace, a) for name, a in zip(trace.cell.State._fields, arrays, strict=True)}


def gates(trace):
    """Every gate's value in each step, (T, B, H); zeros where masked."""
    z = trace.saved.plan.work.array("z", np.asarray(trace.saved.work))
    T, P, B, _, V = z.shape
    panels = [z[:, :, :, i].transpose(0, 2, 1, 3).reshape(T, B, P * V) for i in range(len(trace.cell.saved))]
    H = trace.cell.units
    arrays = {name: in_time(trace, a[:, :, :H]) for name, a in zip(trace.cell.saved, panels, strict=True)}
    if trace.mask is not None:
        for a in arrays.values():
            a[~trace.mask] = 0
    return arrays
