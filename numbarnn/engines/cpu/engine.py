"""The CPU engine: arrays in, arrays out; between them, kernels that are told addresses.

Same functions as `plain`; see `EngineResult` for the contract. Nothing is checked here.
"""

from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ...runtime import workspace
from ...runtime.arrays import address, readable
from ...runtime.threads import run, threads_for
from ..interface import EngineResult
from .barrier import LINE
from .host_layout import gather_vectors, given_numbers, state_arrays
from .kernel_arguments import POSITION
from .plan import Plan, plan, span
from .work_stealing import FEWEST

STATES, WORK, GRADIENTS = span("h", "y"), span("z", "shifts"), span("dh", "dn")
X, TOKENS, MASK, RESETS, CUT = (span(name, f"{name}_b") for name in ("x", "tokens", "mask", "resets", "cut"))
DX, DY, DV_Y = (span(*ends) for ends in (("dx", "dx_b"), ("dy", "dy_b"), ("dv_y", "dv_b")))
WEIGHTS, D_PARAMS, E = span("kernel", "shift"), span("d_kernel", "d_shift"), span("e", "e_b")
MATRICES = "kernel", "recurrent_kernel", "feedback_kernel", "vectors", "projection_kernel", "norm_scale", "norm_shift"
ARGS_ADDRESS, OWN, Y, ZEROS = (POSITION[name] for name in ("args_address", "own", "y", "zeros"))
NOT_FINITE, GATES_AT, HELPING = (POSITION[name] for name in ("not_finite", "gates_at", "helping"))
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


def walked(at, array, reverse):
    """Address and strides, in numbers, of the first two axes of an array at an address that is walked in time."""
    (t, b), size = array.strides[:2], array.itemsize
    return (at + (len(array) - 1) * t, -t // size, b // size) if reverse else (at, t // size, b // size)


def laid_out_as(x, memory):
    """An array (T, B, I) over `memory` (T, B, I): batch-major inside where x is."""
    T, B, I = x.shape
    return memory.reshape(B, T, I).transpose(1, 0, 2) if x.strides[0] < x.strides[1] else memory


def forward(cell, params, x, initial, mask, resets, reverse, keep, noise):
    (T, B, *features), H, x, kernel = x.shape, cell.units, readable(x), params["kernel"]
    threads = threads_for(T * B * len(cell.inputs) * H * (sum(features) + H))
    sizes = T, B, *(features or kernel.shape[:1])
    p = plan(cell, kernel.dtype, *sizes, keep, mask is not None, threads, resets is not None, not features)
    states, work = workspace.take(p.states.size), workspace.take(p.work.size)
    weights = {name: np.ascontiguousarray(params[name]) for name in MATRICES if name in params}
    weights["vectors"] = gather_vectors(p.vectors, p.offset, params)

    n = p.template.copy()
    args_address = n[ARGS_ADDRESS] = address(n)
    n[STATES] += states.address
    n[WORK] += work.address
    n[WEIGHTS] = [address(weights[name]) if name in weights else 0 for name in MATRICES]
    if "feedback_kernel" not in weights:
        n[FEEDBACK] = n[RECURRENT]
    n[X if features else TOKENS] = walked(address(x), x, reverse)
    if n[OWN] >= 0:
        n[E] = n[X] + (int(n[OWN]) * x.itemsize, 0, 0)
    elif p.draws:
        weights["given"] = e = given_numbers(p.draws, noise, H, p.dtype)
        n[E] = walked(address(e), np.broadcast_to(e, (T, B, *e.shape[2:])), reverse)
    if mask is None and len(cell.output_states) == 1:
        n[Y] = 0
    if mask is not None:
        n[MASK] = walked(address(mask), mask, reverse)
    if resets is not None:
        n[RESETS] = walked(address(resets), resets, reverse)

    if p.together:
        weights["gates"] = gates = np.zeros((p.blocks + 1, 2 * LINE), np.int64)
        n[GATES_AT] = address(gates)
    elif p.threads > 1 and FEWEST * p.threads <= B:  # every thread has rows, and some to give
        weights["helping"] = helping = np.zeros(LINE, np.int64)
        n[HELPING] = address(helping)

    saved = Saved(p, n, x, weights, np.asarray(states), work)
    for name in p.first:
        p.states.array(name, saved.states)[0] = 0
    if initial is not None:
        for array, value in zip(state_arrays(p.carried, p.states, saved.states), initial, strict=True):
            array[0] = value
            if resets is not None:
                array[0, resets[-1 if reverse else 0]] = 0
    run(p.forward, 2, p.threads, args_address)
    if n[NOT_FINITE]:
        names = [name for name, value in params.items() if not np.isfinite(value).all()]
        raise InputError(f"{type(cell).__name__}: values that are not finite in parameter {', '.join(names)}")
    after = state_arrays(p.carried, p.states, saved.states, "{}1")
    outputs = p.states.array("y", saved.states) if n[Y] else after[cell.output_states[0]]
    final = tuple(a[-1] for a in after)
    return EngineResult(
        cell, params, x, mask, reverse, outputs[::-1] if reverse else outputs, final, saved if keep else None
    )


def backward(trace, d_outputs, d_state, cut):
    saved, cell = trace.saved, trace.cell
    p, n, x = saved.plan, saved.numbers, saved.x
    trace.saved = None  # its memory becomes dz
    work, made = workspace.take(p.gradients.size), workspace.take(p.results.size)
    results, places = np.asarray(made), p.results.places
    dx = None if x.ndim == 2 else laid_out_as(x, p.results.array("dx", results))
    kernel, kernels = p.backward
    for position, at in kernels.items():
        n[position] = at
    n[GRADIENTS] = p.template[GRADIENTS] + work.address
    n[D_PARAMS] = [made.address + places[name][0] if name in places else 0 for name in MATRICES]
    if "feedback_kernel" not in places:
        n[D_FEEDBACK] = n[D_RECURRENT]
    if dx is not None:
        n[DX] = walked(made.address + places["dx"][0], dx, trace.reverse)
    of_outputs = DY
    if cell.num_proj is not None:
        of_outputs, n[DY] = DV_Y, (n[ZEROS], 0, 0)
    if d_outputs is None:
        n[of_outputs] = n[ZEROS], 0, 0
    else:
        d_outputs = readable(d_outputs)
        n[of_outputs] = walked(address(d_outputs), d_outputs, trace.reverse)

    if cut is not None:
        n[CUT] = walked(address(cut), cut, trace.reverse)
    memory = np.asarray(work)
    for name in p.first:
        p.gradients.array("d" + name, memory)[:] = 0
    d_initial = state_arrays(p.carried, p.gradients, memory, "d{}")
    for array, d in zip(d_initial, d_state, strict=True):
        if d is not None:
            array[:] = d
    if cell.norms:
        p.gradients.array("dn", memory)[:] = 0
    run(kernel, p.blocks + 3, p.threads, int(n[ARGS_ADDRESS]))
    vectors = p.results.array("vectors", results)
    d_params = {
        name: vectors[p.vectors[name]] if name in p.vectors else p.results.array(name, results) for name in trace.params
    }
    d_params = {name: d.reshape(trace.params[name].shape) for name, d in d_params.items()}
    return d_params, dx, tuple(a.copy() for a in d_initial)


def in_time(trace, array):
    """(T, B, n) in the order of the inputs, from the order of the steps."""
    return (array[::-1] if trace.reverse else array).copy()


def states(trace):
    """Every state after each step, (T, B, n)."""
    p = trace.saved.plan
    arrays = state_arrays(p.carried, p.states, trace.saved.states, "{}1")
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
