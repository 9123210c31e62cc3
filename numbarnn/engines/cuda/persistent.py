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

from .equations import slots_of
from .filled import feed_inputs
from .launch import BACKWARD, FORWARD, TOGETHER, backward_arguments, finish, forward_arguments, start
from .loads import load_backward, load_forward
from .memory import empty
from .memory import zeros as cleared
from .persistent_product import product
from .preactivations import preactivations, read_constant
from .steps import ZERO, at, read_places, short, track, wide, write_places
from .tape import RESET, STOP, VALID
from .target import add_release, cuda, load_acquire, set_element, shared_address
from .tuples import fed_by, plus, zeros

LINE = 32  # counters of two groups are 128 bytes apart


def forward(tape, plan):
    feed_inputs(tape)
    arguments = *forward_arguments(tape), *meeting_place(plan)
    start(forward_kernel, tape.cell, plan, FORWARD + TOGETHER, plan.blocks, *arguments)
    finish(tape)


def backward(tape, d, plan):
    arguments = *backward_arguments(tape, d), *meeting_place(plan)
    start(backward_kernel, tape.cell, plan, BACKWARD + TOGETHER, plan.blocks, *arguments)


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
        place, writes = (group * depth + unit) * rows + row, speaks and unit < H and b < B
        return group, first, min(unit, H - 1), min(row, rows - 1), min(b, B - 1), place, speaks, writes

    return of_thread


def forward_kernel(cell, plan):
    """All steps: what is saved takes the place of the pre-activations in z, and `states` gets all later states."""
    equations, slots, S, fed = cell.equations.forward, slots_of(cell), len(cell.states), fed_by(cell)
    load, read_vectors, whole = load_forward(cell, cell.units), read_constant(cell), preactivations(cell)
    add, write_saved = plus(fed, len(slots.inputs)), write_places(slots.saved)
    read_states, write_states, no_states = read_places(tuple(range(S))), write_places(tuple(range(S))), zeros(S)
    H, count, gates, half, neighbours = cell.units, slots.count, len(fed), plan.half, plan.neighbours
    of_thread, (keep, multiply, total), group_size = position(plan, H), product(plan, H), plan.depth * plan.rows

    def forward(z, vectors, recurrent, flags, states, reverse, numbers, counters):
        T, B = flags.shape
        group, first, unit, row, b, place, speaks, writes = of_thread(B)
        memory, h = cuda.shared.array(0, float32), cuda.local.array(gates, float32)
        address, here, there = shared_address(memory), 0, half
        of_z, of_flags = track(T, B * count * H, b * count * H + unit, reverse), track(T, B, b, reverse)
        of_states, plane = track(T + 1, B * H, b * H + unit, reverse), (T + 1) * B * H

        keep(memory, recurrent, first)
        s, constant = read_states(states, at(0, of_states), plane), read_vectors(vectors, wide(unit), H)
        changing, flag = load(short(0), z, of_z, flags, of_flags)
        if speaks:
            set_element(numbers, place, s[0] if writes else ZERO)
        arrive(counters, group)
        wait(counters, group, neighbours)

        for i in range(short(T)):
            multiply(address, numbers, here + group * group_size)
            for q in range(gates):
                h[q] = total(address, row, q)
            if flag & RESET:
                s = no_states(ZERO)
            zs = whole(changing, constant)
            s1, saved = equations(zs if flag & RESET else add(zs, h), s)
            if flag & VALID:
                s = s1
            if speaks:
                set_element(numbers, there + place, s[0] if writes else ZERO)
            arrive(counters, group)
            if writes:
                write_states(states, at(short(i + 1), of_states), plane, s)
                write_saved(z, at(i, of_z), H, saved)
            changing, flag = load(min(short(i + 1), short(T - 1)), z, of_z, flags, of_flags)
            here, there = there, here
            wait(counters, group, (i + 2) * neighbours)

    return forward


def backward_kernel(cell, plan):
    """All steps, the last one first: dz takes the place of what was saved in z; `d_states` (S, 1, B, H), gradients of
    the final states, become those of the initial ones."""
    equations, slots, S, inputs = cell.equations.backward, slots_of(cell), len(cell.states), len(cell.inputs)
    load, write_dz, fed = load_backward(cell, cell.units), write_places(slots.inputs), fed_by(cell)
    tell = write_places(tuple(range(len(fed))), fed)
    read_states, write_states = read_places(tuple(range(S))), write_places(tuple(range(S)))
    no_states, no_dz = zeros(S), zeros(inputs)
    add_output, add_h = plus((S - 1 if cell.last_is_output else 0,), S), plus((0,), S)
    H, count, half, neighbours = cell.units, slots.count, plan.half, plan.neighbours
    group_size, gate_size = plan.depth * plan.rows, plan.padded * plan.rows
    of_thread, (keep, multiply, total) = position(plan, H), product(plan, H)

    def backward(z, recurrent, flags, states, d_outputs, d_states, reverse, numbers, counters):
        T, B = flags.shape
        group, first, unit, row, b, place, speaks, writes = of_thread(B)
        memory = cuda.shared.array(0, float32)
        address, here, there = shared_address(memory), 0, half
        size, own, back = B * H, b * H + unit, not reverse
        of_z, of_states = track(T, size * count, b * count * H + unit, back), track(T + 1, size, own, back)
        plane, of_outputs, of_flags = (T + 1) * size, track(T, size, own, back), track(T, B, b, back)
        source = z, of_z, states, of_states, plane, d_outputs, of_outputs, flags, of_flags

        keep(memory, recurrent, first)
        ds, s1 = read_states(d_states, wide(own), size), read_states(states, at(0, of_states), plane)
        s, saved, dy, flag = load(short(0), *source)
        for i in range(short(T)):
            dz, d_before = equations(saved, no_states(ZERO) if flag & RESET else s, s1, add_output(ds, dy))
            if not flag & VALID:
                dz, d_before = no_dz(ZERO), ds
            if speaks:
                tell(numbers, here + place, gate_size, dz if writes else no_dz(ZERO))
            arrive(counters, group)
            if writes:
                write_dz(z, at(i, of_z), H, dz)
            s1, was = s, flag
            s, saved, dy, flag = load(min(short(i + 1), short(T - 1)), *source)
            wait(counters, group, (i + 1) * neighbours)
            multiply(address, numbers, here + group * group_size)
            ds = no_states(ZERO) if was & STOP else add_h(d_before, (total(address, row, 0),))
            here, there = there, here
        if writes:
            write_states(d_states, wide(own), size, ds)

    return backward
