"""The CPU engine: arrays in, arrays out; between them, kernels that are told addresses.

Same functions as `plain`; see `Trace` for the contract. Nothing is checked here.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..trace import Trace
from . import workspace
from .backward import backward_kernel
from .call import POSITION, Call
from .equations import (
    backward_equations,
    feedback_backward_equations,
    feedback_equations,
    forward_equations,
    slots_of,
)
from .forward import forward_kernel
from .products import product_kernel
from .simd import BYTES
from .threads import run, threads_for

CACHED = 1 << 14  # bytes of z between the products and the equations: with its neighbours they fit the first cache


def address(array):
    return array.__array_interface__["data"][0]


def span(first, last):
    return slice(POSITION[first], POSITION[last] + 1)


STATES, WORK, GRADIENTS = span("h", "y"), span("z", "b"), span("dh", "db")
X, MASK, DX, DY, D_PARAMS = (
    span("x", "x_b"),
    span("mask", "mask_b"),
    span("dx", "dx_b"),
    span("dy", "dy_b"),
    span("d_kernel", "d_bias"),
)
HERE, KERNEL, RECURRENT, BIAS, Y, ZEROS, NOT_FINITE, EQUATIONS_BACKWARD, FEEDBACK_BACKWARD = (
    POSITION[name]
    for name in "here kernel recurrent bias y zeros not_finite equations_backward feedback_backward".split()
)


class Layout:
    """Places of arrays in one piece of memory, each at the start of a cache line."""

    def __init__(self, dtype):
        self.dtype, self.size, self.places = dtype, 0, {}

    def add(self, name, *shape):
        self.places[name] = (self.size, shape)
        self.size += -(-math.prod(shape) * self.dtype.itemsize // 64) * 64 + 64

    def array(self, name, memory):
        start, shape = self.places[name]
        return np.ndarray(shape, self.dtype, memory, start)


@dataclass
class Plan:
    """All that does not change between calls on the same cell, sizes, dtype and threads."""

    dtype: str
    threads: int
    row_shards: int
    forward: int  # address of the kernel
    template: np.ndarray  # of the call's integers
    states: Layout
    work: Layout
    gradients: Layout
    results: Layout
    offset: np.ndarray  # constants added to the bias
    alive: tuple  # arrays whose addresses stand in the template


@functools.lru_cache(maxsize=512)
def plan(cell, dtype, T, B, I, keep, masked, threads):
    slots, H, V = slots_of(cell), cell.units, BYTES // dtype.itemsize
    P, Q, S, G = -(-H // V), -(-I // V), len(cell.states), len(slots.names)
    n = dict.fromkeys(Call._fields, 0) | dict(T=T, B=B, I=I, H=H, P=P, Q=Q, slots=slots.count, gates=G)
    for source in "xhq":
        n[f"{source}_slot"], n[f"{source}_slots"] = slots.run(cell, source)
    row_shards = max(1, min(threads, B))
    rows = -(-B // row_shards)
    n["ahead"] = int(rows < 12)  # few rows: x W of all steps is one product with many
    whole = keep or n["ahead"]

    width = P * V + (
        V if P * V * dtype.itemsize % 1024 == 0 else 0
    )  # rows 1 KB apart would share few sets of the cache

    states, work, gradients, results = (Layout(dtype) for _ in range(4))
    states.add("h", T + 1, B, width)
    states.add("c", T + 1 if keep else 1, B, S - 1, P * V)
    states.add("y", T if masked else 0, B, H)
    work.add("z", T if whole else 1, P, B, slots.count, V)
    work.add("q", (T if keep else 1) if n["q_slots"] else 0, B, width)
    for name, K, count in ("w", I, n["x_slots"]), ("r", H, n["h_slots"]), ("rq", H, n["q_slots"]), ("b", 1, G):
        work.add(name, P, K, count, V)
        gradients.add("d" + name, P, K, count, V)
    for name, panels, count in ("wt", Q, n["x_slots"]), ("rt", P, n["h_slots"]), ("rqt", P, n["q_slots"]):
        gradients.add(name, panels, P, count, V, V)
    gradients.add("dh", B, width)
    gradients.add("dc", B, S - 1, P * V)
    gradients.add("dq", B, width)
    gradients.add("dx_rows", threads, max(B, T), Q * V)
    results.add("dx", T, B, I)
    for name, shape in ({"bias": (G * H,)} | cell.param_shapes(I)).items():
        results.add(name, *shape)
    n |= dict(h_t=B * width, h_b=width, c_t=B * (S - 1) * P * V if keep else 0, c_b=(S - 1) * P * V)
    n |= dict(z_t=P * B * slots.count * V if whole else 0, z_p=B * slots.count * V, z_b=slots.count * V)
    n |= dict(q_t=B * width if keep else 0, q_b=width)
    n["group"] = max(4 if slots.count == 1 else 1, CACHED // (rows * slots.count * BYTES))

    blocks = {"x": cell.fed_by("x"), "h": cell.fed_by("hq"), "q": cell.fed_by("hq"), "b": tuple(cell.inputs)}
    alive = {"zeros": np.zeros(P * V, dtype), "ones": np.ones(V, dtype), "mask": np.ones(1, np.uint8)}
    for source, order in blocks.items():
        run_of = range(n[f"{source}_slot"], n[f"{source}_slot"] + n[f"{source}_slots"]) if source != "b" else range(G)
        alive[f"{source}_blocks"] = np.array([order.index(slots.names[s]) for s in run_of] or [0], np.int64)
    offset = np.repeat([cell.offsets.get(name, 0) for name in cell.inputs], H).astype(dtype)
    n["r_blocks"] = len(cell.fed_by("hq"))
    n |= {name: address(array) for name, array in alive.items()}
    for layout in states, work, gradients:
        n |= {name: start for name, (start, _) in layout.places.items()}
    n["product"] = product_kernel(dtype.name)
    n["equations"] = forward_equations(cell, dtype.name)
    if n["q_slots"]:
        n["feedback"] = feedback_equations(cell, dtype.name)
    template = np.array([n[name] for name in Call._fields], np.int64)
    forward = forward_kernel(dtype.name)
    return Plan(
        dtype.name,
        threads,
        row_shards,
        forward,
        template,
        states,
        work,
        gradients,
        results,
        offset,
        tuple(alive.values()),
    )


@dataclass
class Saved:
    """What the forward pass keeps for the gradient: its call, and the memory that the call speaks of."""

    plan: Plan
    numbers: np.ndarray
    x: np.ndarray
    weights: tuple  # kept alive: the call knows their addresses
    states: np.ndarray
    work: np.ndarray

    def array(self, name):
        memory, layout = (
            (self.states, self.plan.states) if name in self.plan.states.places else (self.work, self.plan.work)
        )
        return layout.array(name, memory)


def readable(array):
    """The array, or a contiguous copy where kernels cannot step through it."""
    steps, size = array.strides, array.itemsize
    return array if steps[-1] == size and not any(s % size for s in steps) else np.ascontiguousarray(array)


def laid_out_as(x, memory):
    """An array (T, B, I) over `memory` (T, B, I): batch-major inside where x is."""
    T, B, I = x.shape
    return memory.reshape(B, T, I).transpose(1, 0, 2) if x.strides[0] < x.strides[1] else memory


def walked(array, reverse):
    """Address and strides, in numbers, of the first two axes of an array that is walked in time."""
    at, (t, b), size = address(array), array.strides[:2], array.itemsize
    return (at + (len(array) - 1) * t, -t // size, b // size) if reverse else (at, t // size, b // size)


def forward(cell, params, x, initial, mask, reverse, keep):
    (T, B, I), H, dtype, x = x.shape, cell.units, x.dtype, readable(x)
    threads = threads_for(T * B * len(cell.inputs) * H * (I + H))
    p = plan(cell, dtype, T, B, I, keep, mask is not None, threads)
    n = p.template.copy()
    states, at = workspace.take(p.states.size)
    n[STATES] += at
    work, at = workspace.take(p.work.size)
    n[WORK] += at
    kernel, recurrent = map(np.ascontiguousarray, (params["kernel"], params["recurrent_kernel"]))
    bias = params["bias"] + p.offset if "bias" in params else p.offset
    n[HERE], n[KERNEL], n[RECURRENT], n[BIAS] = map(address, (n, kernel, recurrent, bias))
    n[X] = walked(x, reverse)
    if mask is None:
        n[Y] = 0
    else:
        n[MASK] = walked(mask, reverse)
    saved = Saved(p, n, x, (kernel, recurrent), states, work)
    h, c = saved.array("h"), saved.array("c")
    h[0], c[0] = 0, 0
    if initial is not None:
        h[0, :, :H] = initial[0]
        for i, value in enumerate(initial[1:]):
            c[0, :, i, :H] = value
    run(p.forward, n[HERE], p.threads, p.row_shards)
    if n[NOT_FINITE]:
        names = [name for name, value in params.items() if not np.isfinite(value).all()]
        raise InputError(f"{type(cell).__name__}: parameter {' and '.join(names)} has values that are not finite")
    outputs = h[1:, :, :H] if mask is None else saved.array("y")
    final = h[T, :, :H], *(c[-1, :, i, :H] for i in range(c.shape[2]))
    return Trace(cell, params, x, mask, reverse, outputs[::-1] if reverse else outputs, final, saved if keep else None)


def backward(trace, d_outputs, d_state):
    cell, saved, H = trace.cell, trace.saved, trace.cell.units
    p, n, x = saved.plan, saved.numbers, saved.x
    trace.saved = None  # its memory becomes dz
    memory, at = workspace.take(p.gradients.size)
    n[GRADIENTS] = p.template[GRADIENTS] + at
    n[EQUATIONS_BACKWARD] = backward_equations(cell, p.dtype)
    if cell.equations.feedback:
        n[FEEDBACK_BACKWARD] = feedback_backward_equations(cell, p.dtype)
    made, at = workspace.take(p.results.size)
    d_params = {name: p.results.array(name, made) for name in trace.params}
    dx = laid_out_as(x, p.results.array("dx", made))
    n[D_PARAMS] = [at + p.results.places[name][0] for name in ("kernel", "recurrent_kernel", "bias")]
    n[DX] = walked(dx, trace.reverse)
    if d_outputs is None:
        n[DY] = n[ZEROS], 0, 0
    else:
        d_outputs = readable(d_outputs)
        n[DY] = walked(d_outputs, trace.reverse)
    dh, dc = (p.gradients.array(name, memory) for name in ("dh", "dc"))
    for array, d in zip((dh, *dc.transpose(1, 0, 2)), d_state, strict=True):
        array[:] = 0
        if d is not None:
            array[:, :H] = d
    run(backward_kernel(p.dtype), n[HERE], p.threads, p.row_shards, p.threads, p.threads)
    initial = dh[:, :H].copy(), *(dc[:, i, :H].copy() for i in range(dc.shape[1]))
    return d_params, dx, initial


def in_time(trace, array):
    """(T, B, H) in the order of the inputs, from (T, B, P V) in the order of the steps."""
    array = array[:, :, : trace.cell.units]
    return (array[::-1] if trace.reverse else array).copy()


def states(trace):
    """Every state after each step, (T, B, H)."""
    h, c = trace.saved.array("h"), trace.saved.array("c")
    arrays = h[1:], *(c[1:, :, i] for i in range(c.shape[2]))
    return {name: in_time(trace, a) for name, a in zip(trace.cell.states, arrays, strict=True)}


def gates(trace):
    """Every gate's value in each step, (T, B, H); zeros where masked."""
    z = trace.saved.array("z")
    T, P, B, _, V = z.shape
    arrays = {
        n: in_time(trace, z[:, :, :, i].transpose(0, 2, 1, 3).reshape(T, B, P * V))
        for i, n in enumerate(trace.cell.saved)
    }
    if trace.mask is not None:
        for a in arrays.values():
            a[~trace.mask] = 0
    return arrays
