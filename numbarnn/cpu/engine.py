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

STATES, WORK, GRADIENTS = span("h", "y"), span("z", "b"), span("dh", "db")
X, MASK, DX, DY = span("x", "x_b"), span("mask", "mask_b"), span("dx", "dx_b"), span("dy", "dy_b")
WEIGHTS, D_PARAMS = span("kernel", "bias"), span("d_kernel", "d_bias")
BACKWARD_EQUATIONS = span("equations_backward", "feedback_backward")
HERE, Y, ZEROS, NOT_FINITE = (POSITION[name] for name in ("here", "y", "zeros", "not_finite"))


@dataclass
class Saved:
    """What the forward pass keeps for the gradient: its call, and the memory that the call speaks of."""

    plan: Plan
    numbers: np.ndarray
    x: np.ndarray
    weights: tuple
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


def forward(cell, params, x, initial, mask, reverse, keep, given):
    (T, B, I), H, x = x.shape, cell.units, readable(x)
    threads = threads_for(T * B * len(cell.inputs) * H * (I + H))
    p = plan(cell, x.dtype, T, B, I, keep, mask is not None, threads)
    states, work = workspace.take(p.states.size), workspace.take(p.work.size)
    kernel, recurrent = np.ascontiguousarray(params["kernel"]), np.ascontiguousarray(params["recurrent_kernel"])
    bias = params["bias"] + p.offset if "bias" in params else p.offset

    n = p.template.copy()
    here = n[HERE] = address(n)
    n[STATES] += states.address
    n[WORK] += work.address
    n[WEIGHTS] = address(kernel), address(recurrent), address(bias)
    n[X] = walked(address(x), x, reverse)
    if mask is None:
        n[Y] = 0
    else:
        n[MASK] = walked(address(mask), mask, reverse)

    saved = Saved(p, n, x, (kernel, recurrent), np.asarray(states), work)
    h, c = p.states.array("h", saved.states), p.states.array("c", saved.states)
    h[0], c[0] = 0, 0
    if initial is not None:
        h[0, :, :H] = initial[0]
        for i, value in enumerate(initial[1:]):
            c[0, :, i, :H] = value
    run(p.forward, 2, 1, p.threads, p.row_shards, here)
    if n[NOT_FINITE]:
        names = [name for name, value in params.items() if not np.isfinite(value).all()]
        raise InputError(f"{type(cell).__name__}: values that are not finite in parameter {', '.join(names)}")
    outputs = h[1:, :, :H] if mask is None else p.states.array("y", saved.states)
    final = h[T, :, :H], *(c[-1, :, i, :H] for i in range(c.shape[2]))
    return Trace(cell, params, x, mask, reverse, outputs[::-1] if reverse else outputs, final, saved if keep else None)


def backward(trace, d_outputs, d_state):
    saved, H = trace.saved, trace.cell.units
    p, n, x = saved.plan, saved.numbers, saved.x
    trace.saved = None  # its memory becomes dz
    work, made = workspace.take(p.gradients.size), workspace.take(p.results.size)
    results, places = np.asarray(made), p.results.places
    d_params = {name: p.results.array(name, results) for name in trace.params}
    dx = laid_out_as(x, p.results.array("dx", results))
    kernel, *n[BACKWARD_EQUATIONS] = p.backward
    n[GRADIENTS] = p.template[GRADIENTS] + work.address
    n[D_PARAMS] = [made.address + places[name][0] for name in ("kernel", "recurrent_kernel", "bias")]
    n[DX] = walked(made.address + places["dx"][0], dx, trace.reverse)
    if d_outputs is None:
        n[DY] = n[ZEROS], 0, 0
    else:
        d_outputs = readable(d_outputs)
        n[DY] = walked(address(d_outputs), d_outputs, trace.reverse)

    memory = np.asarray(work)
    dh, dc = p.gradients.array("dh", memory), p.gradients.array("dc", memory)
    for array, d in zip((dh, *dc.transpose(1, 0, 2)), d_state, strict=True):
        array[:] = 0
        if d is not None:
            array[:, :H] = d
    run(kernel, 2 * p.blocks + 2, p.blocks, p.threads, p.row_shards, int(n[HERE]))
    initial = dh[:, :H].copy(), *(dc[:, i, :H].copy() for i in range(dc.shape[1]))
    return d_params, dx, initial


def in_time(trace, array):
    """(T, B, H) in the order of the inputs, from (T, B, H or more) in the order of the steps."""
    array = array[:, :, : trace.cell.units]
    return (array[::-1] if trace.reverse else array).copy()


def states(trace):
    """Every state after each step, (T, B, H)."""
    layout, memory = trace.saved.plan.states, trace.saved.states
    h, c = layout.array("h", memory), layout.array("c", memory)
    arrays = h[1:], *(c[1:, :, i] for i in range(c.shape[2]))
    return {name: in_time(trace, a) for name, a in zip(trace.cell.states, arrays, strict=True)}


def gates(trace):
    """Every gate's value in each step, (T, B, H); zeros where masked."""
    z = trace.saved.plan.work.array("z", np.asarray(trace.saved.work))
    T, P, B, _, V = z.shape
    panels = [z[:, :, :, i].transpose(0, 2, 1, 3).reshape(T, B, P * V) for i in range(len(trace.cell.saved))]
    arrays = {name: in_time(trace, a) for name, a in zip(trace.cell.saved, panels, strict=True)}
    if trace.mask is not None:
        for a in arrays.values():
            a[~trace.mask] = 0
    return arrays
