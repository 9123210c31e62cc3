"""Small cells: one block walks a few rows of the batch through all steps; nothing passes between blocks.

The recurrent weights stay on the multiprocessor for the whole sequence. The `lanes` of a unit are neighbouring threads:
each multiplies its part of h with the weights of the unit, the parts are summed between the lanes, and every lane
evaluates the cell's equations for one row. A step costs one barrier: what threads tell each other, h forward and dz
backward, has two halves of shared memory, for even and for odd steps. What the next step needs is loaded before it.
"""

import functools

from numba import float32
from numba.extending import register_jitable

from .equations import read_planes, read_slots, slots_of, write_planes, write_slots
from .filled import feed_inputs, vectors_of
from .launch import BACKWARD, FORWARD, finish, start
from .preactivations import reader
from .small_product import products
from .steps import ZERO, output_gradient, time_of, unsigned
from .tape import RESET, STOP, VALID
from .target import cuda, shared_address
from .tuples import fed_by_h, plus, put, zeros


def forward(tape, plan):
    feed_inputs(tape)
    vectors = vectors_of(tape.cell, tape.params, tape.real)
    arguments = tape.z, vectors, tape.params["recurrent_kernel"], tape.flags, tape.states, tape.reverse
    start(forward_kernel, tape.cell, plan, FORWARD, blocks_of(tape, plan), *arguments)
    finish(tape)


def backward(tape, d, plan):
    arguments = tape.z, tape.params["recurrent_kernel"], tape.flags, tape.states, d.outputs, d.states, tape.reverse
    start(backward_kernel, tape.cell, plan, BACKWARD, blocks_of(tape, plan), *arguments)


def blocks_of(tape, plan):
    return -(-tape.z.shape[1] // plan.rows)


@functools.cache
def position(plan):
    """(B) -> of this thread: its unit, lane, row in the block, row of the batch, place in shared memory; whether it
    speaks for the lanes that do the same, and whether what it computes is wanted at all."""
    H, lanes, rows, part, stride, row_size = plan.units, plan.lanes, plan.rows, plan.part, plan.stride, plan.row

    @register_jitable
    def of_thread(B):
        unit, lane = min(cuda.threadIdx.x // lanes, H - 1), cuda.threadIdx.x % lanes
        row = lane % rows
        b = cuda.blockIdx.x * rows + row
        speaks = cuda.threadIdx.x < H * lanes and lane < rows
        place = row * row_size + unit // part * stride + unit % part
        return unsigned(unit), lane, row, unsigned(min(b, B - 1)), place, speaks, speaks and b < B

    return of_thread


def forward_kernel(cell, plan):
    """All steps: what is saved takes the place of the pre-activations in z, and `states` gets all later states."""
    equations, slots, S, fed = cell.equations.forward, slots_of(cell), len(cell.states), fed_by_h(cell)
    read_z, write_saved, add = reader(cell), write_slots(slots.saved), plus(fed, len(slots.inputs))
    read_states, write_states, no_states = read_planes(S), write_planes(S), zeros(S)
    half, stride, of_thread, product = plan.half, plan.stride, position(plan), products(plan)
    keep, multiply, collect, weights, partial, gates = product

    def forward(z, vectors, recurrent, flags, states, reverse):
        T, B = flags.shape
        unit, lane, row, b, place, speaks, writes = of_thread(B)
        memory, w = cuda.shared.array(0, float32), cuda.local.array(weights, float32)
        acc, h = cuda.local.array(partial, float32), cuda.local.array(gates, float32)
        address, after = shared_address(memory), 0 if reverse else 1

        keep(w, memory, recurrent, unit, lane)
        t = time_of(0, T, reverse)
        s = read_states(states, unsigned(t + 1 - after), b, unit)
        zs, flag = read_z(z, vectors, t, b, unit), flags[t, b]
        if speaks:
            memory[place] = s[0]
        cuda.syncthreads()

        for i in range(T):
            multiply(acc, w, address, i % 2 * half + lane * stride)
            collect(acc, row, h)
            if flag & RESET:
                s = no_states(ZERO)
            s1, saved = equations(zs if flag & RESET else add(zs, h), s)
            if flag & VALID:
                s = s1
                if writes:
                    write_saved(z, t, b, unit, saved)
            if writes:
                write_states(states, unsigned(t + after), b, unit, s)
            if speaks:
                memory[half - i % 2 * half + place] = s[0]
            t = time_of(i + 1, T, reverse)
            zs, flag = read_z(z, vectors, t, b, unit), flags[t, b]
            cuda.syncthreads()

    return forward


def backward_kernel(cell, plan):
    """All steps, the last one first: dz takes the place of what was saved in z; `d_states` (S, 1, B, H), gradients of
    the final states, become those of the initial ones."""
    equations, slots, S, count = cell.equations.backward, slots_of(cell), len(cell.states), len(cell.inputs)
    read_saved, write_dz, tell = read_slots(slots.saved), write_slots(slots.inputs), put(fed_by_h(cell))
    read_states, write_states, no_states, no_dz = read_planes(S), write_planes(S), zeros(S), zeros(count)
    add_output, add_h = plus((S - 1 if cell.last_is_output else 0,), S), plus((0,), S)
    half, stride, vector, of_thread, product = plan.half, plan.stride, plan.vector, position(plan), products(plan)
    keep, multiply, collect, weights, partial, one = product

    def backward(z, recurrent, flags, states, d_outputs, d_states, reverse):
        T, B = flags.shape
        unit, lane, row, b, place, speaks, writes = of_thread(B)
        memory, w = cuda.shared.array(0, float32), cuda.local.array(weights, float32)
        acc, dh = cuda.local.array(partial, float32), cuda.local.array(one, float32)
        address, before = shared_address(memory), 1 if reverse else 0

        keep(w, memory, recurrent, unit, lane)
        t = time_of(0, T, not reverse)
        ds, s1 = read_states(d_states, 0, b, unit), read_states(states, unsigned(t + 1 - before), b, unit)
        s, saved = read_states(states, unsigned(t + before), b, unit), read_saved(z, t, b, unit)
        dy, flag = output_gradient(d_outputs, t, b, unit), flags[t, b]
        for i in range(T):
            dz, d_before = equations(saved, no_states(ZERO) if flag & RESET else s, s1, add_output(ds, dy))
            if not flag & VALID:
                dz, d_before = no_dz(ZERO), ds
            if writes:
                write_dz(z, t, b, unit, dz)
            if speaks:
                tell(memory, i % 2 * half + place, vector, dz)
            t, s1, was = time_of(i + 1, T, not reverse), s, flag
            s, saved = read_states(states, unsigned(t + before), b, unit), read_saved(z, t, b, unit)
            dy, flag = output_gradient(d_outputs, t, b, unit), flags[t, b]
            cuda.syncthreads()
            multiply(acc, w, address, i % 2 * half + lane * stride)
            collect(acc, row, dh)
            ds = no_states(ZERO) if was & STOP else add_h(d_before, dh)
        if writes:
            write_states(d_states, 0, b, unit, ds)

    return backward
