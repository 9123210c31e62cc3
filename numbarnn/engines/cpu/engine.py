"""The CPU engine: arrays in, arrays out, and in between compiled kernels that read a `KernelArguments`.

It has the functions of `reference`; see `EngineResult` for the contract. It checks nothing: its callers do.
"""

from dataclasses import dataclass

import numpy as np

from ...runtime import workspace
from ...runtime.arrays import address, readable
from ...runtime.threads import run, threads_for
from ..interface import EngineResult
from .barrier import BARRIER, LINE
from .host_layout import arrays_of, noise_array
from .kernel_arguments import POSITION, span
from .plan import Plan, plan
from .weights import ARGS_ADDRESS, NAMES, Weights, check_packed, weights_of
from .work_stealing import MIN_ROWS

STATES, WORK, GRADIENTS = span("h", "y"), span("z", "i"), span("dh", "dn")
X, TOKENS, MASK, RESETS, CUT = (span(name, f"{name}_b") for name in ("x", "tokens", "mask", "resets", "cut"))
DX, DY, DV_Y = (span(*ends) for ends in (("dx", "dx_b"), ("dy", "dy_b"), ("dv_y", "dv_b")))
D_PARAMS, E = span("d_kernel", "d_shift"), span("e", "e_b")
OWN_INPUT, Y, ZEROS, BARRIERS, STEALING, CONTINUES, D_RECURRENT, D_FEEDBACK = (
    POSITION[name]
    for name in ("own_input", "y", "zeros", "barriers", "stealing", "continues", "d_recurrent", "d_feedback")
)


@dataclass
class Saved:
    """What the forward pass keeps for the gradient: its kernel arguments, and the memory that they point to."""

    plan: Plan
    numbers: np.ndarray  # the kernel arguments
    x: np.ndarray
    weights: Weights
    held: list  # other arrays that the arguments point to
    states: np.ndarray
    work: workspace.Lease


def time_strides(at, array, reverse):
    """Return the address of the first step of an array (T, B, ...) at an address, and its strides in time and batch, in
    numbers."""
    (t, b), size = array.strides[:2], array.itemsize
    return (at + (len(array) - 1) * t, -t // size, b // size) if reverse else (at, t // size, b // size)


def with_layout_of(x, memory):
    """View `memory` (T, B, I) as an array (T, B, I), batch-major in memory if x is."""
    T, B, I = x.shape
    return memory.reshape(B, T, I).transpose(1, 0, 2) if x.strides[0] < x.strides[1] else memory


def forward(cell, params, x, initial, mask, resets, reverse, keep, noise):
    """Run a cell over a sequence; see `EngineResult`."""
    (T, B, *features), x, kernel = x.shape, readable(x), params["kernel"]
    threads = threads_for(multiply_adds(cell, T, B, sum(features)))
    sizes = T, B, *(features or kernel.shape[:1])
    p = plan(cell, kernel.dtype, *sizes, keep, mask is not None, threads, resets is not None, not features)
    states, work, weights = workspace.take(p.states.size), workspace.take(p.work.size), weights_of(p, params)

    n = p.template.copy()
    args_address = n[ARGS_ADDRESS] = address(n)
    n[STATES] += states.address
    n[WORK] += work.address
    weights.enter(n)
    n[X if features else TOKENS] = time_strides(address(x), x, reverse)
    held = []
    if n[OWN_INPUT] >= 0:
        n[E] = n[X] + (int(n[OWN_INPUT]) * x.itemsize, 0, 0)
    elif p.noise_names:
        e = noise_array(p.noise_names, noise, cell.units, p.dtype)
        n[E] = time_strides(address(e), np.broadcast_to(e, (T, B, *e.shape[2:])), reverse)
        held.append(e)
    if mask is None and len(cell.output_states) == 1:
        n[Y] = 0
    if mask is not None:
        n[MASK] = time_strides(address(mask), mask, reverse)
    if resets is not None:
        n[RESETS] = time_strides(address(resets), resets, reverse)
    held.append(meeting_place(n, p.schedule, B))

    saved = Saved(p, n, x, weights, held, np.asarray(states), work)
    for name in p.state_names:
        p.states.array(name, saved.states)[0] = 0
    if initial is not None:
        for array, value in zip(arrays_of(p.before, p.dtype, saved.states), initial, strict=True):
            array[0] = value
            if resets is not None:
                array[0, resets[-1 if reverse else 0]] = 0
    run(p.forward, 2, p.schedule.threads, args_address)
    check_packed(cell, params, n)
    after = arrays_of(p.after, p.dtype, saved.states)
    outputs = p.states.array("y", saved.states) if n[Y] else after[cell.output_states[0]]
    final = tuple(a[-1] for a in after)
    return EngineResult(
        cell, params, x, mask, reverse, outputs[::-1] if reverse else outputs, final, saved if keep else None
    )


def multiply_adds(cell, T, B, features):
    """Return about how many there are in a forward pass."""
    return T * B * len(cell.inputs) * cell.units * (features + cell.units)


def meeting_place(numbers, schedule, B):
    """Make the memory in which threads meet or offer rows, if they do, and put its address into kernel arguments.

    It must be zero before each pass.
    """
    threads = schedule.threads
    if schedule.team > 1:
        memory, place = np.zeros((schedule.step_blocks + 1, threads // schedule.team, BARRIER), np.int64), BARRIERS
    elif threads > 1 and MIN_ROWS * threads <= B:  # every thread has enough rows to offer some
        memory, place = np.zeros(LINE, np.int64), STEALING
    else:
        return None
    numbers[place] = address(memory)
    return memory


def backward(result, d_outputs, d_state, cut, work=None, continues=False):
    """Compute the gradients of parameters, inputs and initial state; see `EngineResult`.

    `work` is memory to work in. If it `continues`, parameters' gradients are added to those of later steps there.
    """
    saved, cell = result.saved, result.cell
    p, n, x = saved.plan, saved.numbers, saved.x
    result.saved = None  # dz overwrites it
    work, lease = work or workspace.take(p.gradients.size), workspace.take(p.results.size)
    results, places = np.asarray(lease), p.results.places
    dx = None if x.ndim == 2 else with_layout_of(x, p.results.array("dx", results))
    kernel, kernels = p.backward
    for position, kernel_address in kernels.items():
        n[position] = kernel_address
    n[GRADIENTS] = p.template[GRADIENTS] + work.address
    n[D_PARAMS] = [lease.address + places[name][0] if name in places else 0 for name in NAMES]
    if "feedback_kernel" not in places:
        n[D_FEEDBACK] = n[D_RECURRENT]
    if dx is not None:
        n[DX] = time_strides(lease.address + places["dx"][0], dx, result.reverse)
    output_gradient = DY
    if cell.num_proj is not None:
        output_gradient, n[DY] = DV_Y, (n[ZEROS], 0, 0)
    if d_outputs is None:
        n[output_gradient] = n[ZEROS], 0, 0
    else:
        d_outputs = readable(d_outputs)
        n[output_gradient] = time_strides(address(d_outputs), d_outputs, result.reverse)

    if cut is not None:
        n[CUT] = time_strides(address(cut), cut, result.reverse)
    memory = np.asarray(work)
    for name in p.state_names:
        p.gradients.array("d" + name, memory)[:] = 0
    d_initial = arrays_of(p.d_states, p.dtype, memory)
    for array, d in zip(d_initial, d_state, strict=True):
        if d is not None:
            array[:] = d
    if continues:
        n[CONTINUES] = 1
    elif cell.norms:
        p.gradients.array("dn", memory)[:] = 0
    run(kernel, p.schedule.step_blocks + 3, p.schedule.threads, int(n[ARGS_ADDRESS]))
    vectors = p.results.array("vectors", results)
    d_params = {
        name: vectors[p.vector_places[name]].reshape(w.shape)
        if name in p.vector_places
        else p.results.array(name, results)
        for name, w in result.params.items()
    }
    return d_params, dx, tuple(a.copy() for a in d_initial)


def in_time(result, array):
    """Copy an array (T, B, n) in the order of the steps to the order of the inputs."""
    return (array[::-1] if result.reverse else array).copy()


def states(result):
    """Return {state: (T, B, n)}, the states after each step."""
    p = result.saved.plan
    arrays = arrays_of(p.after, p.dtype, result.saved.states)
    return {name: in_time(result, a) for name, a in zip(result.cell.State._fields, arrays, strict=True)}


def gates(result):
    """Return {gate: (T, B, H)}, the values of the gates in each step; zeros at padding."""
    z = result.saved.plan.work.array("z", np.asarray(result.saved.work))
    T, P, B, _, V = z.shape
    panels = [z[:, :, :, i].transpose(0, 2, 1, 3).reshape(T, B, P * V) for i in range(len(result.cell.saved))]
    H = result.cell.units
    arrays = {name: in_time(result, a[:, :, :H]) for name, a in zip(result.cell.saved, panels, strict=True)}
    if result.mask is not None:
        for a in arrays.values():
            a[~result.mask] = 0
    return arrays
