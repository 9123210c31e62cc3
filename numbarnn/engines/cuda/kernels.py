"""The kernels of one time step around its matrix products: a block for a row or a part of it, a thread for a unit.

They work on arrays of a `Tape`; t is the step, t0 the place of the states before it, and t1 of those after it.
"""

import functools

from numba.extending import register_jitable

from ...maths import clip as clipped
from ...maths import constant, zero
from .equations import (
    add_itself,
    as_found,
    as_tuple,
    gradients_of_q,
    read_planes,
    read_side_by_side,
    read_slots,
    read_unless,
    slots_of,
    write_planes,
    write_slots,
)
from .norms import normalise, normalise_backward, normaliser
from .products import products_of
from .tape import RESET, STOP, VALID
from .target import cuda
from .tuples import plus, zeros


@register_jitable
def my_units(H):
    """The units of this thread."""
    return range(cuda.blockIdx.y * cuda.blockDim.x + cuda.threadIdx.x, H, cuda.gridDim.y * cuda.blockDim.x)


def output_states(cell):
    """The states of the equations that are put out side by side, and their places there; not a projection."""
    those = [(i, j) for j, i in enumerate(cell.output_states) if i or cell.num_proj is None]
    return tuple(i for i, _ in those), tuple(j for _, j in those)


@functools.cache
def feedback(cell, dtype):
    """q, carried = feedback(z, s): what is carried takes the place of z; q is zero where masked."""
    equations, slots = cell.equations.feedback, slots_of(cell)
    read_z, write_carried, add_q = read_slots(slots.first), write_slots(slots.first), add_itself(slots.itself)
    read_s, write_q, no_q = read_unless(len(cell.states)), write_slots(tuple(range(slots.kinds))), zeros(slots.kinds)
    normalise_first, values = normaliser(cell, slots.first, dtype, normalise), as_tuple(slots.kinds)

    def feedback(z, states, q, norms, flags, t, t0):
        b = cuda.blockIdx.x
        normalise_first(z, norms, t, b)
        for u in my_units(z.shape[3]):
            if flags[t, b] & VALID:
                found, carried = equations(read_z(z, t, b, u), read_s(states, t0, b, u, flags[t, b] & RESET))
                numbers = values(found)
                write_q(q, t, b, u, numbers)
                add_q(z, t, b, u, numbers)
                write_carried(z, t, b, u, carried)
            else:
                write_q(q, t, b, u, no_q(z[t, b, 0, u]))

    return feedback


@functools.cache
def forward(cell, dtype):
    """s1, saved = forward(z, s): what is saved takes the place of z. Masked rows copy their states."""
    equations, slots, count = cell.equations.forward, slots_of(cell), len(cell.states)
    read_z, write_saved = read_slots(slots.inputs), write_slots(slots.saved)
    read_s, write_s = read_unless(count), write_planes(count)
    now = slots.second if cell.equations.feedback else slots.inputs
    normalise_now = normaliser(cell, now, dtype, normalise)

    def forward(z, states, norms, flags, t, t0):
        b, t1 = cuda.blockIdx.x, 2 * t + 1 - t0
        normalise_now(z, norms, t, b)
        for u in my_units(z.shape[3]):
            s = read_s(states, t0, b, u, flags[t, b] & RESET)
            if flags[t, b] & VALID:
                s1, saved = equations(read_z(z, t, b, u), s)
                write_saved(z, t, b, u, saved)
                write_s(states, t1, b, u, s1)
            else:
                write_s(states, t1, b, u, s)

    return forward


@functools.cache
def backward(cell, dtype):
    """dz, ds = backward(saved, s, s1, ds1): dz takes the place of what was saved, ds of ds1; masked rows keep ds."""
    equations, slots, count, (out, columns) = (
        cell.equations.backward,
        slots_of(cell),
        len(cell.states),
        output_states(cell),
    )
    read_saved, write_dz = read_slots(slots.saved), write_slots(slots.inputs + slots.extra)
    before, after, write_ds = read_unless(count), read_planes(count), write_planes(count)
    no_dz, read_outputs, with_outputs = zeros(len(slots.inputs)), read_side_by_side(columns), plus(out, count)
    now = slots.second if cell.equations.feedback else slots.inputs
    write_none, normalise_now = write_slots(slots.inputs), normaliser(cell, now, dtype, normalise_backward)

    def backward(z, states, ds, d_outputs, norms, flags, t, t0):
        b, t1 = cuda.blockIdx.x, 2 * t + 1 - t0
        for u in my_units(z.shape[3]):
            if flags[t, b] & VALID:
                ds1 = after(ds, 0, b, u)
                if d_outputs.shape[0] > 0:
                    ds1 = with_outputs(ds1, read_outputs(d_outputs, t, b, u, z.shape[3]))
                s = before(states, t0, b, u, flags[t, b] & RESET)
                dz, d_before = equations(read_saved(z, t, b, u), s, after(states, t1, b, u), ds1)
                write_dz(z, t, b, u, dz)
                write_ds(ds, 0, b, u, d_before)
            else:
                write_none(z, t, b, u, no_dz(ds[0, 0, b, u]))
        normalise_now(z, norms, t, b)

    return backward


@functools.cache
def feedback_backward(cell, dtype):
    """dz, ds = feedback_backward(carried, s, dq): dz takes the place of what was carried, ds is added."""
    equations, slots, count = cell.equations.feedback_backward, slots_of(cell), len(cell.states)
    read_carried, write_dz = read_slots(slots.first + slots.extra), write_slots(slots.first)
    read_s, read_ds, write_ds = read_unless(count), read_planes(count), write_planes(count)
    multiplied = tuple(kind for kind in range(slots.kinds) if kind in products_of(cell))
    read_dq, number, add = (
        gradients_of_q(slots.kinds, multiplied, slots.itself),
        as_found(slots.kinds),
        plus(tuple(range(count)), count),
    )
    normalise_first = normaliser(cell, slots.first, dtype, normalise_backward)

    def feedback_backward(z, states, ds, dq, norms, flags, t, t0):
        b = cuda.blockIdx.x
        for u in my_units(z.shape[3]):
            if flags[t, b] & VALID:
                s = read_s(states, t0, b, u, flags[t, b] & RESET)
                d = number(read_dq(dq, z, t, b, u))
                dz, direct = equations(read_carried(z, t, b, u), s, d)
                write_dz(z, t, b, u, dz)
                write_ds(ds, 0, b, u, add(read_ds(ds, 0, b, u), direct))
        normalise_first(z, norms, t, b)

    return feedback_backward


@functools.cache
def project(cell, dtype):
    """y = clip(r), r the projection of the first state; masked rows keep their y."""
    clips, bound = cell.proj_clip is not None, float(cell.proj_clip or 0)

    def project(r, y, flags, t, t0):
        b, t1 = cuda.blockIdx.x, 2 * t + 1 - t0
        for u in my_units(r.shape[2]):
            if flags[t, b] & VALID:
                v = r[t, b, u]
                if clips:
                    v = clipped(v, constant(v, -bound), constant(v, bound))
            else:
                v = zero(r[t, b, u]) if flags[t, b] & RESET else y[t0, b, u]
            y[t1, b, u] = v

    return project


@functools.cache
def project_backward(cell, dtype):
    """dr = dy + d_outputs where y was not clipped, in place of r; dy of valid rows becomes zero."""
    clips, bound, takes = cell.proj_clip is not None, float(cell.proj_clip or 0), 0 in cell.output_states

    def project_backward(r, dy, d_outputs, flags, t):
        b = cuda.blockIdx.x
        for u in my_units(r.shape[2]):
            v = r[t, b, u]
            d = zero(v)
            if flags[t, b] & VALID:
                d = dy[b, u]
                if takes and d_outputs.shape[0] > 0:
                    d = d + d_outputs[t, b, u]
                if clips and abs(v) > constant(v, bound):
                    d = zero(v)
                dy[b, u] = zero(v)
            r[t, b, u] = d

    return project_backward


def feed(y, before, flags, t, t0):
    """What is fed back in step t, where rows are reset."""
    b = cuda.blockIdx.x
    for u in my_units(y.shape[2]):
        before[t, b, u] = zero(y[t0, b, u]) if flags[t, b] & RESET else y[t0, b, u]


def stop(ds, flags, t):
    """No gradient passes from step t to the states before it, where a row says so; ds[i, b, u]."""
    b = cuda.blockIdx.x
    for i in range(ds.shape[0]):
        for u in my_units(ds.shape[2]):
            if flags[t, b] & STOP:
                ds[i, b, u] = zero(ds[i, b, u])
