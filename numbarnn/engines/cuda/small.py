"""Small cells: one block walks a few rows of the batch through all steps; nothing passes between blocks.

The recurrent weights stay on the multiprocessor for the whole sequence. The `lanes` of a unit are neighbouring threads:
each multiplies its part of h with the weights of the unit, the parts are summed between the lanes, and every lane
evaluates the cell's equations for one row. A step costs one barrier: what threads tell each other, h forward and dz
backward, has two halves of shared memory, for even and for odd steps. What a step needs of global memory is loaded
steps before it, what it leaves there is written while the next one waits for shared memory.
"""

import functools

from numba import float32
from numba.extending import register_jitable

from .equations import slots_of
from .filled import feed_inputs
from .launch import BACKWARD, FORWARD, backward_arguments, finish, forward_arguments, start
from .loads import load_backward, load_forward
from .preactivations import preactivations, read_constant
from .small_product import products
from .steps import ZERO, ahead, at, first_loads, next_ones, read_places, short, track, unsigned, wide, write_places
from .tape import RESET, STOP, VALID
from .target import cuda, set_shared, shared_address
from .tuples import fed_by, plus, zeros


def forward(tape, plan):
    feed_inputs(tape)
    start(forward_kernel, tape.cell, plan, FORWARD, blocks_of(tape, plan), *forward_arguments(tape))
    finish(tape)


def backward(tape, d, plan):
    start(backward_kernel, tape.cell, plan, BACKWARD, blocks_of(tape, plan), *backward_arguments(tape, d))


def blocks_of(tape, plan):
    return -(-tape.z.shape[1] // plan.rows)


@functools.cache
def position(plan):
    """(B) -> of this thread: its unit, lane, row in the block, row of the batch, place in shared memory. Threads and
    rows that are left over do what the last ones do: many threads may write the same number."""
    H, lanes, rows, part, stride, row_size = plan.units, plan.lanes, plan.rows, plan.part, plan.stride, plan.row

    @register_jitable
    def of_thread(B):
        unit, lane = min(cuda.threadIdx.x // lanes, H - 1), cuda.threadIdx.x % lanes
        row = lane % rows
        place = row * row_size + unit // part * stride + unit % part
        return unsigned(unit), lane, row, min(cuda.blockIdx.x * rows + row, B - 1), place

    return of_thread


def forward_kernel(cell, plan):
    """All steps: what is saved takes the place of the pre-activations in z, and `states` gets all later states."""
    equations, slots, S, fed = cell.equations.forward, slots_of(cell), len(cell.states), fed_by(cell)
    read_vectors, whole, load = read_constant(cell), preactivations(cell), load_forward(cell, plan.units)
    loads, add, write_saved = first_loads(load), plus(fed, len(slots.inputs)), write_places(slots.saved)
    read_states, write_states, no_states = read_places(tuple(range(S))), write_places(tuple(range(S))), zeros(S)
    H, count, half, stride, of_thread = plan.units, slots.count, plan.half, plan.stride, position(plan)
    keep, multiply, collect, weights, partial, gates = products(plan)

    def forward(z, vectors, recurrent, flags, states, reverse):
        T, B = flags.shape
        unit, lane, row, b, place = of_thread(B)
        memory, w = cuda.shared.array(0, float32), cuda.local.array(weights, float32)
        acc, h, address = cuda.local.array(partial, float32), cuda.local.array(gates, float32), shared_address(memory)
        of_z = track(T, B * count * H, b * count * H + wide(unit), reverse)
        of_states, plane = track(T + 1, B * H, b * H + wide(unit), reverse), (T + 1) * B * H
        source = z, of_z, flags, track(T, B, b, reverse)

        keep(w, memory, recurrent, unit, lane)
        s, constant = read_states(states, at(0, of_states), plane), read_vectors(vectors, wide(unit), H)
        coming, here = loads(T, *source), short(0)
        memory[place] = s[0]
        cuda.syncthreads()

        for i in range(short(T)):
            changing, flag = coming[0]
            coming = next_ones(coming, load(ahead(i, T), *source))
            multiply(acc, w, address, here + lane * stride)
            collect(acc, row, h)
            zs = whole(changing, constant)
            if flag & RESET:
                s = no_states(ZERO)
            s1, saved = equations(zs if flag & RESET else add(zs, h), s)
            if flag & VALID:
                s = s1
            write_saved(z, at(i, of_z), H, saved)
            write_states(states, at(short(i + 1), of_states), plane, s)
            here = short(half - here)
            set_shared(address, here + place, s[0])
            cuda.syncthreads()

    return forward


def backward_kernel(cell, plan):
    """All steps, the last one first: dz takes the place of what was saved in z; `d_states` (S, 1, B, H), gradients of
    the final states, become those of the initial ones."""
    equations, slots, S, inputs = cell.equations.backward, slots_of(cell), len(cell.states), len(cell.inputs)
    load, write_dz, fed = load_backward(cell, plan.units), write_places(slots.inputs), fed_by(cell)
    loads, tell = first_loads(load), write_places(tuple(range(len(fed))), fed, set_shared)
    read_states, write_states = read_places(tuple(range(S))), write_places(tuple(range(S)))
    no_states, no_dz = zeros(S), zeros(inputs)
    add_output, add_h = plus((S - 1 if cell.last_is_output else 0,), S), plus((0,), S)
    H, count, half, stride, vector = plan.units, slots.count, plan.half, plan.stride, plan.vector
    of_thread, (keep, multiply, collect, weights, partial, one) = position(plan), products(plan)

    def backward(z, recurrent, flags, states, d_outputs, d_states, reverse):
        T, B = flags.shape
        unit, lane, row, b, place = of_thread(B)
        memory, w = cuda.shared.array(0, float32), cuda.local.array(weights, float32)
        acc, dh, address = cuda.local.array(partial, float32), cuda.local.array(one, float32), shared_address(memory)
        size, own, back = B * H, b * H + wide(unit), not reverse
        of_z, of_states = track(T, size * count, b * count * H + wide(unit), back), track(T + 1, size, own, back)
        plane, of_outputs, of_flags = (T + 1) * size, track(T, size, own, back), track(T, B, b, back)
        source = z, of_z, states, of_states, plane, d_outputs, of_outputs, flags, of_flags

        keep(w, memory, recurrent, unit, lane)
        ds, s1 = read_states(d_states, wide(own), size), read_states(states, at(0, of_states), plane)
        coming, here = loads(T, *source), short(0)
        for i in range(short(T)):
            s, saved, dy, flag = coming[0]
            coming = next_ones(coming, load(ahead(i, T), *source))
            dz, d_before = equations(saved, no_states(ZERO) if flag & RESET else s, s1, add_output(ds, dy))
            if not flag & VALID:
                dz, d_before = no_dz(ZERO), ds
            tell(address, here + place, vector, dz)
            cuda.syncthreads()
            write_dz(z, at(i, of_z), H, dz)
            multiply(acc, w, address, here + lane * stride)
            collect(acc, row, dh)
            ds, s1, here = no_states(ZERO) if flag & STOP else add_h(d_before, dh), s, short(half - here)
        write_states(d_states, wide(own), size, ds)

    return backward
