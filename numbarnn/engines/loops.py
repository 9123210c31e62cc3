"""The engine's contract as plain Numba loops: how backpropagation through time (BPTT) is written with `@njit`.

A time step reads its input x and the output y of the step before. It makes the pre-activations of all units,

    z = x W + b + y R,    or in cells that multiply a number q computed within the step,    z = x W + b + q R,

and calls the cell's equations, functions of numbers, for each row of the batch and each unit. The backward pass takes
the steps in the opposite order and hands the gradients of y and of the states s on from step to step. Truncated BPTT
sets them to zero where it cuts.

Only that has to wait for the step before. x W + b is one product for all steps before them, and the gradients of W, R
and b are one for all steps after them, once the gradients of all z are known: NumPy does both. `reference` is the same
in NumPy alone, `cpu` with SIMD vectors and threads.
"""

from functools import cache

import numpy as np
from numba import njit

from .interface import EngineResult, check_finite
from .loops_arrays import (
    blank_gradients,
    flags,
    gradients_of,
    outputs_of,
    stacked_states,
    states_after,
    tape_for,
    transposed,
)
from .loops_rows import (
    access_to_q,
    add_products,
    clear,
    clip,
    clip_backward,
    helper,
    layer_norm,
    layer_norm_backward,
    numbers,
    put,
)
from .reference import kinds_of_q, public_states

compiled = njit(error_model="numpy", no_cfunc_wrapper=True)


@cache
def passes(equations, first, G, S, K, kinds, normed, projected):
    """Compile the forward and the backward pass of cells with these equations and numbers of arrays."""
    cell_forward, cell_backward, feedback, feedback_backward = equations[:4]
    z_of, first_of, s_of, saved_of = numbers(*range(G)), numbers(*first), numbers(*range(S)), numbers(*range(K))
    carried_of, (q_of, put_q) = numbers(*first, *range(G, G + equations.extra)), access_to_q(kinds)

    @helper
    def compute_q(z, s, q):
        for b in range(z.shape[1]):
            for j in range(z.shape[2]):
                new, carried = feedback(first_of(z, b, j), s_of(s, b, j))
                put_q(q, b, j, new)
                for k, g in enumerate(first):
                    z[g, b, j] = carried[k]

    @helper
    def compute_states(mask, z, s, before, after, saved):
        for b in range(z.shape[1]):
            for j in range(z.shape[2]):
                old = new = s_of(s, b, j)
                if mask[b]:
                    new, kept = cell_forward(z_of(z, b, j), old)
                    if K:
                        put(saved, b, j, kept)
                put(before, b, j, old)
                put(after, b, j, new)
                put(s, b, j, new)

    @compiled
    def forward(steps, mask, resets, z, before, after, saved, q, R, Q, norms, projection, y, s):
        if normed:
            first_norms, later_norms, scale, shift, epsilon, unit, inverse = norms
        if projected:
            P, limit, r, y_before, y_after = projection
        for t in steps:
            clear(resets[t], s)
            if projected:
                clear(resets[t], y)
            add_products(z[t], y if projected else s, R)
            if normed:
                layer_norm(first_norms, scale, shift, epsilon, z[t], unit[t], inverse[t])
            if feedback is not None:
                compute_q(z[t], s, q[t])
                add_products(z[t], q[t], Q)
                if normed:
                    layer_norm(later_norms, scale, shift, epsilon, z[t], unit[t], inverse[t])
            compute_states(mask[t], z[t], s, before[t], after[t], saved[t])
            if projected:
                add_products(r[t], s, P)
                clip(mask[t], limit, r[t], y_before[t], y, y_after[t])

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
    def q_backward(mask, before, dq, dz, ds):
        for b in range(dz.shape[1]):
            if mask[b]:
                for j in range(dz.shape[2]):
                    through_z, direct = feedback_backward(carried_of(dz, b, j), s_of(before, b, j), q_of(dq, b, j))
                    for k, g in enumerate(first):
                        dz[g, b, j] = through_z[k]
                    for k in range(S):
                        ds[k, b, j] += direct[k]

    @compiled
    def backward(
        steps, mask, cut, before, after, saved, R, Q, norms, projection, outputs, d_outputs, dy, ds, dz, dq, dr, d_norms
    ):
        if normed:
            first_norms, later_norms, scale, _, _, unit, inverse = norms
            d_scale, d_shift = d_norms[0], d_norms[1]
        if projected:
            P, limit, r, _, _ = projection
        for t in steps[::-1]:
            add_products(dy if projected else ds, d_outputs[t], outputs)
            if projected:
                clip_backward(mask[t], limit, r[t], dy, dr[t])
                add_products(ds, dr[t], P)
            # From here on dy and ds are the gradients of what came before the step.
            states_backward(mask[t], saved[t], before[t], after[t], dz[t], ds)
            if feedback is not None:
                if normed:
                    layer_norm_backward(later_norms, scale, dz[t], unit[t], inverse[t], d_scale, d_shift)
                add_products(dq[t], dz[t], Q)
                q_backward(mask[t], before[t], dq[t], dz[t], ds)
            if normed:
                layer_norm_backward(first_norms, scale, dz[t], unit[t], inverse[t], d_scale, d_shift)
            add_products(dy if projected else ds, dz[t], R)
            # Truncated BPTT: no gradient for what came before.
            clear(cut[t], ds)
            if projected:
                clear(cut[t], dy)

    return forward, backward


def forward(cell, params, x, initial, mask, resets, reverse, keep, noise):
    check_finite(type(cell).__name__, params)
    (T, B), dtype, kinds = x.shape[:2], params["kernel"].dtype, kinds_of_q(cell)
    tape = tape_for(cell, params, x, noise)
    first = tuple(g for g, name in enumerate(cell.inputs) if name not in kinds)
    sizes = (array.shape[1] for array in (tape.z, tape.before, tape.saved))
    given = cell.equations, first, *sizes, len(set(kinds.values()))
    run, run_backward = passes(*given, bool(cell.norms), cell.num_proj is not None)
    steps, valid = np.arange(T)[::-1].copy() if reverse else np.arange(T), flags(mask, True, T, B)
    run(steps, valid, flags(resets, False, T, B), *tape, *stacked_states(cell, initial, B, dtype))
    y, s = states_after(cell, tape)
    outputs = np.concatenate([s[i] if i else y for i in cell.output_states], axis=2)
    if mask is not None:
        outputs[~mask] = 0
    state = tuple(array[steps[-1]] for array in public_states(cell, y, s))
    saved = (run_backward, steps, valid, tape) if keep else None
    return EngineResult(cell, params, x, mask, reverse, outputs, state, saved)


def backward(trace, d_outputs, d_state, cut):
    cell, x, (run, steps, valid, tape) = trace.cell, trace.x, trace.saved
    (T, B), dtype = x.shape[:2], trace.outputs.dtype
    dy, ds = stacked_states(cell, d_state, B, dtype)
    outputs, d_outputs = outputs_of(cell, d_outputs, valid, dtype)
    d = blank_gradients(cell, tape)
    given = flags(cut, False, T, B), tape.before, tape.after, tape.saved, *transposed(tape)
    run(steps, valid, *given, outputs, d_outputs, dy, ds, *d)
    d_initial = public_states(cell, None if dy is None else dy[0], tuple(ds))
    return *gradients_of(cell, trace.params, x, tape, d), d_initial


def states(trace):
    arrays = public_states(trace.cell, *states_after(trace.cell, trace.saved[-1]))
    return dict(zip(trace.cell.State._fields, arrays, strict=True))


def gates(trace):
    return dict(zip(trace.cell.saved, trace.saved[-1].saved.swapaxes(0, 1), strict=False))
