"""Small cells that multiply twice a step, the second time what they made of the first: GRU, reset before the product.

As in `small` a block walks a few rows through all steps. Threads tell each other h and q (going back, dz of what q
feeds and dz of what h feeds), each in its own half of shared memory, with a barrier after either.
"""

import functools

from numba import float32

from .equations import slots_of
from .filled import feed_inputs
from .launch import BACKWARD, FORWARD, REAL, backward_arguments, finish, forward_arguments, start
from .loads import load_backward, load_forward
from .preactivations import preactivations, read_constant
from .small import blocks_of, position
from .small_product import products
from .steps import ZERO, ahead, at, first_loads, next_ones, read_places, short, track, wide, write_places
from .tape import RESET, STOP, VALID
from .target import cuda, set_element, set_shared, shared_address
from .tuples import fed_by, pick, plus, replace, zeros

WORKING = 40  # registers that a thread needs more than those of `small`
WITH_Q = (*FORWARD[:-1], REAL[4], FORWARD[-1])  # q behind the states


def multiplies_twice(cell):
    """Whether the kernels here run the cell: h feeds the first blocks of the recurrent kernel, one q the others."""
    slots, of_h, of_q = slots_of(cell), fed_by(cell), fed_by(cell, "q")
    plain = not (slots.itself or cell.norms or cell.num_proj) and cell.output_states == (0,)
    return plain and slots.kinds == 1 and bool(of_h and of_q) and max(of_h) < min(of_q)


def forward(tape, plan):
    feed_inputs(tape)
    *arguments, reverse = forward_arguments(tape)
    start(forward_kernel, tape.cell, plan, WITH_Q, blocks_of(tape, plan), *arguments, tape.q, reverse)
    finish(tape)


def backward(tape, d, plan):
    start(backward_kernel, tape.cell, plan, BACKWARD, blocks_of(tape, plan), *backward_arguments(tape, d))


@functools.cache
def both_products(cell, plan):
    """With h, and with q."""
    of_h, of_q = len(fed_by(cell)), len(fed_by(cell, "q"))
    return products(plan, 0, of_h), products(plan, of_h, of_q)


def forward_kernel(cell, plan):
    """All steps: what is saved takes the place of the pre-activations in z; `states` and `q` get those of all steps."""
    equations, slots, S, count = cell.equations, slots_of(cell), len(cell.states), len(cell.inputs)
    feedback, forward_equations = equations.feedback, equations.forward
    read_vectors, whole, load = read_constant(cell), preactivations(cell), load_forward(cell, plan.units)
    add_h, add_q = plus(fed_by(cell), count), plus(fed_by(cell, "q"), count)
    loads, first, carry = first_loads(load), pick(slots.first), replace(slots.first, count)
    read_states, write_states, no_states = read_places(tuple(range(S))), write_places(tuple(range(S))), zeros(S)
    write_saved, H, places, half, stride = write_places(slots.saved), plan.units, slots.count, plan.half, plan.stride
    of_thread, (with_h, with_q) = position(plan), both_products(cell, plan)
    keep_h, multiply_h, collect_h, weights_h, partial_h, gates_h = with_h
    keep_q, multiply_q, collect_q, weights_q, partial_q, gates_q = with_q

    def forward(z, vectors, recurrent, flags, states, q, reverse):
        T, B = flags.shape
        unit, lane, row, b, place = of_thread(B)
        memory = cuda.shared.array(0, float32)
        w_h, w_q = cuda.local.array(weights_h, float32), cuda.local.array(weights_q, float32)
        acc_h, acc_q = cuda.local.array(partial_h, float32), cuda.local.array(partial_q, float32)
        of_h, of_q = cuda.local.array(gates_h, float32), cuda.local.array(gates_q, float32)
        address, own = shared_address(memory), b * H + wide(unit)
        of_z = track(T, B * places * H, b * places * H + wide(unit), reverse)
        of_states, plane = track(T + 1, B * H, own, reverse), (T + 1) * B * H
        of_numbers, source = track(T, B * H, own, reverse), (z, of_z, flags, track(T, B, b, reverse))

        keep_h(w_h, memory, recurrent, unit, lane)
        keep_q(w_q, memory, recurrent, unit, lane)
        s, constant = read_states(states, at(0, of_states), plane), read_vectors(vectors, wide(unit), H)
        coming = loads(T, *source)
        memory[place] = s[0]
        cuda.syncthreads()

        for i in range(short(T)):
            changing, flag = coming[0]
            coming = next_ones(coming, load(ahead(i, T), *source))
            multiply_h(acc_h, w_h, address, lane * stride)
            collect_h(acc_h, row, of_h)
            zs = whole(changing, constant)
            if flag & RESET:
                s = no_states(ZERO)
            number, carried = feedback(first(zs if flag & RESET else add_h(zs, of_h)), s)
            number = number if flag & VALID else ZERO
            set_element(q, at(i, of_numbers), number)
            set_shared(address, half + place, number)
            cuda.syncthreads()
            multiply_q(acc_q, w_q, address, half + lane * stride)
            collect_q(acc_q, row, of_q)
            s1, saved = forward_equations(carry(add_q(zs, of_q), carried), s)
            if flag & VALID:
                s = s1
            write_saved(z, at(i, of_z), H, saved)
            write_states(states, at(short(i + 1), of_states), plane, s)
            set_shared(address, place, s[0])
            cuda.syncthreads()

    return forward


def backward_kernel(cell, plan):
    """All steps, the last one first: dz takes the place of what was saved in z; `d_states` (S, 1, B, H), gradients of
    the final states, become those of the initial ones."""
    equations, slots, S, count = cell.equations, slots_of(cell), len(cell.states), len(cell.inputs)
    backward_equations, feedback_backward = equations.backward, equations.feedback_backward
    load, write_dz = load_backward(cell, plan.units), write_places(slots.inputs)
    loads, of_h, of_q = first_loads(load), fed_by(cell), fed_by(cell, "q")
    tell_h = write_places(tuple(range(len(of_h))), of_h, set_shared)
    tell_q = write_places(tuple(range(len(of_q))), of_q, set_shared)
    read_states, write_states = read_places(tuple(range(S))), write_places(tuple(range(S)))
    no_states, no_dz, no_first = zeros(S), zeros(count + equations.extra), zeros(len(slots.first))
    carried, complete = pick(slots.first + slots.extra), replace(slots.first, count)
    add_output, add_direct, add_h = plus((0,), S), plus(tuple(range(S)), S), plus((0,), S)
    H, places, half, stride, vector = plan.units, slots.count, plan.half, plan.stride, plan.vector
    of_thread, (with_h, with_q) = position(plan), both_products(cell, plan)
    keep_h, multiply_h, collect_h, weights_h, partial_h, one = with_h
    keep_q, multiply_q, collect_q, weights_q, partial_q, _ = with_q

    def backward(z, recurrent, flags, states, d_outputs, d_states, reverse):
        T, B = flags.shape
        unit, lane, row, b, place = of_thread(B)
        memory = cuda.shared.array(0, float32)
        w_h, w_q = cuda.local.array(weights_h, float32), cuda.local.array(weights_q, float32)
        acc_h, acc_q = cuda.local.array(partial_h, float32), cuda.local.array(partial_q, float32)
        dh, dq, address = cuda.local.array(one, float32), cuda.local.array(one, float32), shared_address(memory)
        size, own, back = B * H, b * H + wide(unit), not reverse
        of_z, of_states = track(T, size * places, b * places * H + wide(unit), back), track(T + 1, size, own, back)
        plane, of_outputs, of_flags = (T + 1) * size, track(T, size, own, back), track(T, B, b, back)
        source = z, of_z, states, of_states, plane, d_outputs, of_outputs, flags, of_flags

        keep_h(w_h, memory, recurrent, unit, lane)
        keep_q(w_q, memory, recurrent, unit, lane)
        ds, s1 = read_states(d_states, wide(own), size), read_states(states, at(0, of_states), plane)
        coming = loads(T, *source)
        for i in range(short(T)):
            s, saved, dy, flag = coming[0]
            coming = next_ones(coming, load(ahead(i, T), *source))
            before = no_states(ZERO) if flag & RESET else s
            dz, d_before = backward_equations(saved, before, s1, add_output(ds, dy))
            if not flag & VALID:
                dz, d_before = no_dz(ZERO), ds
            tell_q(address, place, vector, dz)
            cuda.syncthreads()
            multiply_q(acc_q, w_q, address, lane * stride)
            collect_q(acc_q, row, dq)
            d_first, direct = feedback_backward(carried(dz), before, dq[0])
            if not flag & VALID:
                d_first, direct = no_first(ZERO), no_states(ZERO)
            dz = complete(dz, d_first)
            tell_h(address, half + place, vector, dz)
            cuda.syncthreads()
            write_dz(z, at(i, of_z), H, dz)
            multiply_h(acc_h, w_h, address, half + lane * stride)
            collect_h(acc_h, row, dh)
            ds = no_states(ZERO) if flag & STOP else add_h(add_direct(d_before, direct), dh)
            s1 = s
        write_states(d_states, wide(own), size, ds)

    return backward
