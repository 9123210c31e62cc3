"""Middle-sized cells: all blocks run at the same time, each keeps its part of the recurrent weights for the sequence.

A block has some units of the cell and some rows of the batch, a thread one unit of one row. `neighbours` share rows:
each tells the others its h (going back, its dz) in `numbers`, flat (2, groups, places, rows), and they wait for each
other once a step. The two halves, for even and for odd steps, make one barrier enough: who writes one half has seen
that all have read it. What the next step needs and nobody else writes is loaded while a block waits.
"""

import functools

import numpy as np
from numba import float32
from numba.extending import register_jitable

from .equations import read_planes, read_slots, slots_of, write_planes, write_slots
from .filled import feed_inputs, vectors_of
from .launch import BACKWARD, FORWARD, TOGETHER, finish, start
from .memory import empty
from .memory import zeros as cleared
from .persistent_product import product
from .preactivations import reader
from .steps import ZERO, output_gradient, time_of, unsigned
from .tape import RESET, STOP, VALID
from .target import add_release, cuda, load_acquire, shared_address
from .tuples import fed_by_h, plus, put, zeros

LINE = 32  # counters of two groups are 128 bytes apart


def forward(tape, plan):
    feed_inputs(tape)
    vectors = vectors_of(tape.cell, tape.params, tape.real)
    arguments = (
        tape.z,
        vectors,
        tape.params["recurrent_kernel"],
        tape.flags,
        tape.states,
        tape.reverse,
        *meeting_place(plan),
    )
    start(forward_kernel, tape.cell, plan, FORWARD + TOGETHER, plan.blocks, *arguments)
    finish(tape)


def backward(tape, d, plan):
    arguments = tape.z, tape.params["recurrent_kernel"], tape.flags, tape.states, d.outputs, d.states, tape.reverse
    start(backward_kernel, tape.cell, plan, BACKWARD + TOGETHER, plan.blocks, *arguments, *meeting_place(plan))


def meeting_place(plan):
    """`numbers` and `counters` of the kernels."""
    return empty((2 * plan.half,), np.float32), cleared((LINE * plan.groups,), np.int32)


@register_jitable
def arrive(counters, group):
    """Tell the group that what this block has written is there."""
    cuda.syncthreads()
    if cuda.threadIdx.x == 0:
        add_release(counters, LINE * group, 1)


@register_jitable
def wait(counters, group, arrivals):
    """Until the group's blocks have arrived so many times, all together."""
    if cuda.threadIdx.x == 0:
        while load_acquire(counters, LINE * group) < arrivals:
            pass
    cuda.syncthreads()


@functools.cache
def position(plan, H):
    """(B) -> of this thread: its group of blocks, the first unit of its block, its unit, row in the block, row of the
    batch, place in `numbers`; whether it has one, and whether what it computes is wanted at all."""
    units, rows, depth, neighbours = plan.units, plan.rows, plan.depth, plan.neighbours

    @register_jitable
    def of_thread(B):
        group, first = cuda.blockIdx.x // neighbours, cuda.blockIdx.x % neighbours * units
        unit, row = first + cuda.threadIdx.x % units, cuda.threadIdx.x // units
        b, speaks = group * rows + row, row < rows
        place = (group * depth + unit) * rows + row
        writes = speaks and unit < H and b < B
        return (
            group,
            first,
            unsigned(min(unit, H - 1)),
            min(row, rows - 1),
            unsigned(min(b, B - 1)),
            place,
            speaks,
            writes,
        )

    return of_thread


def forward_kernel(cell, plan):
    """All steps: what is saved takes the place of the pre-activations in z, and `states` gets all later states."""
    equations, slots, S, fed = cell.equations.forward, slots_of(cell), len(cell.states), fed_by_h(cell)
    read_z, write_saved, add = reader(cell), write_slots(slots.saved), plus(fed, len(slots.inputs))
    read_states, write_states, no_states = read_planes(S), write_planes(S), zeros(S)
    gates, half, group_size, neighbours = len(fed), plan.half, plan.depth * plan.rows, plan.neighbours
    of_thread, (keep, multiply, total) = position(plan, cell.units), product(plan, cell.units)

    def forward(z, vectors, recurrent, flags, states, reverse, numbers, counters):
        T, B = flags.shape
        group, first, unit, row, b, place, speaks, writes = of_thread(B)
        memory, h = cuda.shared.array(0, float32), cuda.local.array(gates, float32)
        address, after = shared_address(memory), 0 if reverse else 1

        keep(memory, recurrent, first)
        t = time_of(0, T, reverse)
        s = read_states(states, unsigned(t + 1 - after), b, unit)
        zs, flag = read_z(z, vectors, t, b, unit), flags[t, b]
        if speaks:
            numbers[place] = s[0] if writes else ZERO
        arrive(counters, group)
        wait(counters, group, neighbours)

        for i in range(T):
            multiply(address, numbers, i % 2 * half + group * group_size)
            for q in range(gates):
                h[q] = total(memory, row, q)
            if flag & RESET:
                s = no_states(ZERO)
            s1, saved = equations(zs if flag & RESET else add(zs, h), s)
            if flag & VALID:
                s = s1
            if speaks:
                numbers[half - i % 2 * half + place] = s[0] if writes else ZERO
            arrive(counters, group)
            if writes:
                write_states(states, unsigned(t + after), b, unit, s)
                if flag & VALID:
                    write_saved(z, t, b, unit, saved)
            t = time_of(i + 1, T, reverse)
            zs, flag = read_z(z, vectors, t, b, unit), flags[t, b]
            wait(counters, group, (i + 2) * neighbours)

    return forward


def backward_kernel(cell, plan):
    """All steps, the last one first: dz takes the place of what was saved in z; `d_states` (S, 1, B, H), gradients of
    the final states, become those of the initial ones."""
    equations, slots, S, count = cell.equations.backward, slots_of(cell), len(cell.states), len(cell.inputs)
    read_saved, write_dz, tell = read_slots(slots.saved), write_slots(slots.inputs), put(fed_by_h(cell))
    read_states, write_states, no_states, no_dz = read_planes(S), write_planes(S), zeros(S), zeros(count)
    add_output, add_h = plus((S - 1 if cell.last_is_output else 0,), S), plus((0,), S)
    half, group_size, neighbours, gate_size = (
        plan.half,
        plan.depth * plan.rows,
        plan.neighbours,
        plan.padded * plan.rows,
    )
    of_thread, (keep, multiply, total) = position(plan, cell.units), product(plan, cell.units)

    def backward(z, recurrent, flags, states, d_outputs, d_states, reverse, numbers, counters):
        T, B = flags.shape
        group, first, unit, row, b, place, speaks, writes = of_thread(B)
        memory = cuda.shared.array(0, float32)
        address, before = shared_address(memory), 1 if reverse else 0

        keep(memory, recurrent, first)
        t = time_of(0, T, not reverse)
        ds, s1 = read_states(d_states, 0, b, unit), read_states(states, unsigned(t + 1 - before), b, unit)
        s, saved = read_states(states, unsigned(t + before), b, unit), read_saved(z, t, b, unit)
        dy, flag = output_gradient(d_outputs, t, b, unit), flags[t, b]
        for i in range(T):
            dz, d_before = equations(saved, no_states(ZERO) if flag & RESET else s, s1, add_output(ds, dy))
            if not flag & VALID:
                dz, d_before = no_dz(ZERO), ds
            if speaks:
                tell(numbers, i % 2 * half + place, gate_size, dz if writes else no_dz(ZERO))
            arrive(counters, group)
            if writes:
                write_dz(z, t, b, unit, dz)
            t, s1, was = time_of(i + 1, T, not reverse), s, flag
            s, saved = read_states(states, unsigned(t + before), b, unit), read_saved(z, t, b, unit)
            dy, flag = output_gradient(d_outputs, t, b, unit), flags[t, b]
            wait(counters, group, (i + 1) * neighbours)
            multiply(address, numbers, i % 2 * half + group * group_size)
            ds = no_states(ZERO) if was & STOP else add_h(d_before, (total(memory, row, 0),))
        if writes:
            write_states(d_states, 0, b, unit, ds)

    return backward
