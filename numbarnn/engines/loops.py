"""The engine's contract as plain Numba loops: how backpropagation through time (BPTT) is written with `@njit`.

A time step reads its input x and the output y of the step before. It makes the pre-activations of all units,

    z = x W + y R + b,    or in cells that multiply a number q computed within the step,    z = x W + q R + b,

and calls the cell's equations, functions of numbers, for each row of the batch and each unit. The backward pass takes
the steps in the opposite order and hands the gradients of y and of the states s on from step to step. Truncated BPTT
sets them to zero where it cuts. `reference` does the same with NumPy, `cpu` with SIMD vectors and threads.
"""

from functools import cache
from math import inf

import numpy as np
from numba import njit

from .interface import EngineResult, check_finite
from .loops_arrays import Weights, arrays_of, flags, gradients_of, stacked_states, states_after
from .loops_rows import (
    access_to_q,
    add,
    add_outputs,
    add_product,
    copy_but,
    helper,
    layer_norm,
    layer_norm_backward,
    nothing,
    numbers,
    projection,
    projection_backward,
    put,
)
from .reference import public_states

compiled = njit(error_model="numpy", no_cfunc_wrapper=True)


@helper
def preactivations(names, inputs, z, x, y, W, R):
    """Add x W + y R to these pre-activations; y is the output before, or q."""
    for g in names:
        k = inputs.kind[g]
        if inputs.from_x[g]:
            add_product(z[g], x, W[g])
        if inputs.from_y[g]:
            add_product(z[g], y[k], R[g])
        if inputs.from_q[g]:
            add(z[g], y[k])


@helper
def preactivations_backward(names, inputs, dz, x, y, W, R, dx, dy, dW, dR, db):
    """Add to the gradients of x and y, and to those of the weights: sums over all steps and rows."""
    for g in names:
        k = inputs.kind[g]
        if inputs.from_x[g]:
            add_product(dx, dz[g], W[g].T)
            add_product(dW[g], x.T, dz[g])
        if inputs.from_y[g]:
            add_product(dy[k], dz[g], R[g].T)
            add_product(dR[g], y[k].T, dz[g])
        if inputs.from_q[g]:
            add(dy[k], dz[g])
        for b in range(dz.shape[1]):
            for j in range(dz.shape[2]):
                db[g, j] += dz[g, b, j]


@cache
def passes(equations, first, G, S, K, kinds, normed, projected):
    """Compile the forward and the backward pass of cells with these equations and numbers of arrays."""
    cell_forward, cell_backward, feedback, feedback_backward = equations[:4]
    z_of, first_of, s_of, saved_of = numbers(*range(G)), numbers(*first), numbers(*range(S)), numbers(*range(K))
    carried_of = numbers(*first, *range(G, G + equations.extra))
    (q_of, put_q), put_saved = access_to_q(kinds), put if K else nothing
    normalise, normalise_backward = (layer_norm, layer_norm_backward) if normed else (nothing, nothing)

    @helper
    def compute_q(first, z, before, q):
        for b in range(z.shape[1]):
            for j in range(z.shape[2]):
                new, carried = feedback(first_of(z, b, j), s_of(before, b, j))
                put_q(q, b, j, new)
                for k, g in enumerate(first):
                    z[g, b, j] = carried[k]

    @helper
    def compute_states(mask, z, before, after, saved):
        for b in range(z.shape[1]):
            for j in range(z.shape[2]):
                s = s_of(before, b, j)
                if mask[b]:
                    s, kept = cell_forward(z_of(z, b, j), s)
                    put_saved(saved, b, j, kept)
                put(after, b, j, s)

    @compiled
    def forward(steps, mask, x, inputs, w, epsilon, limit, tape, resets, y, s):
        for t in steps:
            z, before, after, unit, inverse = tape.z[t], tape.before[t], tape.after[t], tape.unit[t], tape.inverse[t]
            copy_but(resets[t], s, before)
            copy_but(resets[t], y, tape.y_before[t])
            y_before = tape.y_before[t] if projected else before[:1]
            preactivations(inputs.first, inputs, z, x[t], y_before, w.W, w.R)
            normalise(inputs.first_norms, epsilon, z, w, unit, inverse)
            if feedback is not None:
                compute_q(inputs.first, z, before, tape.q[t])
                preactivations(inputs.later, inputs, z, x[t], tape.q[t], w.W, w.Q)
                normalise(inputs.later_norms, epsilon, z, w, unit, inverse)
            compute_states(mask[t], z, before, after, tape.saved[t])
            if projected:
                projection(mask[t], after[0], w.P, limit, tape.r[t], tape.y_before[t, 0], tape.y_after[t, 0])
            s, y = after, tape.y_after[t]

    @helper
    def states_backward(mask, saved, before, after, dz, ds):
        for b in range(dz.shape[1]):
            if mask[b]:
                for j in range(dz.shape[2]):
                    s, s1, ds1 = s_of(before, b, j), s_of(after, b, j), s_of(ds, b, j)
                    through_z, direct = cell_backward(saved_of(saved, b, j), s, s1, ds1)
                    put(dz, b, j, through_z)
                    put(ds, b, j, direct)

    @helper
    def q_backward(mask, first, before, dq, dz, ds):
        for b in range(dz.shape[1]):
            if mask[b]:
                for j in range(dz.shape[2]):
                    through_z, direct = feedback_backward(carried_of(dz, b, j), s_of(before, b, j), q_of(dq, b, j))
                    for k, g in enumerate(first):
                        dz[g, b, j] = through_z[k]
                    for k in range(S):
                        ds[k, b, j] += direct[k]

    @compiled
    def backward(steps, mask, x, inputs, w, _, limit, tape, cut, d_outputs, outputs, dy, ds, dz_all, dx, dw):
        for t in steps[::-1]:
            dz, before, after, unit, inverse = dz_all[t], tape.before[t], tape.after[t], tape.unit[t], tape.inverse[t]
            add_outputs(mask[t], outputs, d_outputs[t], dy if projected else ds)
            if projected:
                projection_backward(mask[t], after[0], w.P, limit, tape.r[t], dy[0], ds[0], dw.P)
            # From here on dy and ds are the gradients of what came before the step.
            states_backward(mask[t], tape.saved[t], before, after, dz, ds)
            if feedback is not None:
                normalise_backward(inputs.later_norms, dz, w, unit, inverse, dw)
                q, dq = tape.q[t], np.zeros_like(tape.q[t])
                preactivations_backward(inputs.later, inputs, dz, x[t], q, w.W, w.Q, dx[t], dq, dw.W, dw.Q, dw.b)
                q_backward(mask[t], inputs.first, before, dq, dz, ds)
            normalise_backward(inputs.first_norms, dz, w, unit, inverse, dw)
            y, dy1 = (tape.y_before[t], dy) if projected else (before[:1], ds[:1])
            preactivations_backward(inputs.first, inputs, dz, x[t], y, w.W, w.R, dx[t], dy1, dw.W, dw.R, dw.b)
            # Truncated BPTT: no gradient for what came before.
            copy_but(cut[t], ds, ds)
            copy_but(cut[t], dy, dy)

    return forward, backward


def forward(cell, params, x, initial, mask, resets, reverse, keep, noise):
    check_finite(type(cell).__name__, params)
    (T, B), dtype, projected = x.shape[:2], params["kernel"].dtype, cell.num_proj is not None
    multiplied, inputs, w, tape = arrays_of(cell, params, x, noise)
    sizes = (array.shape[1] for array in (tape.z, tape.before, tape.saved, tape.q))
    run, run_backward = passes(cell.equations, tuple(inputs.first.tolist()), *sizes, bool(cell.norms), projected)
    epsilon, limit = dtype.type(cell.norm_epsilon), dtype.type(inf if cell.proj_clip is None else cell.proj_clip)
    steps = np.arange(T)[::-1].copy() if reverse else np.arange(T)
    shared = steps, flags(mask, True, T, B), multiplied, inputs, w, epsilon, limit, tape
    run(*shared, flags(resets, False, T, B), *stacked_states(cell, initial, B, dtype))
    y, s = states_after(cell, tape)
    outputs = np.concatenate([s[i] if i else y for i in cell.output_states], axis=2)
    if mask is not None:
        outputs[~mask] = 0
    state = tuple(array[steps[-1]] for array in public_states(cell, y, s))
    return EngineResult(cell, params, x, mask, reverse, outputs, state, (run_backward, shared) if keep else None)


def backward(trace, d_outputs, d_state, cut):
    cell, x, (run_backward, shared) = trace.cell, trace.x, trace.saved
    (T, B), tape, dtype, states = x.shape[:2], shared[-1], trace.outputs.dtype, cell.output_states
    dy, ds = stacked_states(cell, d_state, B, dtype)
    d_outputs = np.zeros_like(trace.outputs) if d_outputs is None else d_outputs
    d_outputs = np.array(d_outputs.reshape(T, B, len(states), -1).swapaxes(1, 2), order="C")
    dz = np.zeros((T, tape.z.shape[1] + cell.equations.extra, B, cell.units), dtype)
    dx, dw = np.zeros_like(shared[2]), Weights(*map(np.zeros_like, shared[4]))
    run_backward(*shared, flags(cut, False, T, B), d_outputs, np.array(states), dy, ds, dz, dx, dw)
    return *gradients_of(cell, trace.params, x, dz, dx, dw), public_states(cell, next(iter(dy), None), tuple(ds))


def states(trace):
    arrays = public_states(trace.cell, *states_after(trace.cell, trace.saved[1][-1]))
    return dict(zip(trace.cell.State._fields, arrays, strict=True))


def gates(trace):
    return dict(zip(trace.cell.saved, trace.saved[1][-1].saved.swapaxes(0, 1), strict=False))
