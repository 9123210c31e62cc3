"""A lane's share of the products with the recurrent weights, for the kernels in `small`.

A lane multiplies `part` places of what the block's threads tell each other in shared memory. The weights of the first
`kept` places are in registers, w[gate, place], those of the others in shared memory, four places of a gate together.
"""

import functools
from typing import Any, NamedTuple

from numba.extending import register_jitable

from .steps import ZERO, unsigned
from .target import cuda, load4_shared
from .tuples import repeated

ALL = 0xFFFFFFFF  # lanes of a warp


class Products(NamedTuple):
    """Device functions. `keep(w, memory, weights, unit, lane)` stores the lane's weights, and zeros where threads will
    tell each other; `multiply(acc, w, address, heard)` makes the partial sums of all rows from what stands in shared
    memory from `heard` on; `collect(acc, row, sums)` adds up those of one row over the lanes. Then sizes of arrays."""

    keep: Any
    multiply: Any
    collect: Any
    weights: int  # w
    partial: int  # acc
    sums: int


@functools.cache
def products(plan, first=0, gates=None):
    """Forward: from h to the gates of a unit; backward: from dz of the gates to dh of a unit. The gates are those of
    the plan, or so many from the first of one of two products on."""
    gates = gates or plan.gates
    lanes, rows, kept, backward = plan.lanes, plan.rows, plan.kept, plan.backward
    ins, outs = (gates, 1) if backward else (1, gates)
    chains = max(1, 4 // (outs * rows))  # independent sums of an output: an addition waits for the one before it
    part, threads, told, row_size, vector = plan.part, plan.threads, 2 * plan.half, plan.row, plan.vector
    weight, rest = weight_of(plan), told + first * (part - kept) * threads

    @register_jitable
    def keep_gate(q, w, weights, unit, lane):
        for k in range(kept):
            w[q * kept + k] = weight(weights, first + q, lane * part + k, unit)

    keep_gates = repeated(keep_gate, gates)

    @register_jitable
    def keep(w, memory, weights, unit, lane):
        keep_gates(w, weights, unit, lane)
        for q in range(gates):
            for k in range(kept, part):
                at = rest + 4 * (((k - kept) // 4 * gates + q) * threads + cuda.threadIdx.x) + k % 4
                memory[at] = weight(weights, first + q, lane * part + k, unit)
        for i in range(cuda.threadIdx.x, told, threads):
            memory[i] = ZERO
        cuda.syncthreads()

    @register_jitable
    def add(acc, r, o, w0, w1, w2, w3, v0, v1, v2, v3):
        a = (r * outs + o) * chains
        acc[a] += w0 * v0
        acc[a + 1 % chains] += w1 * v1
        acc[a + 2 % chains] += w2 * v2
        acc[a + 3 % chains] += w3 * v3

    @register_jitable
    def multiply(acc, w, address, heard):
        for a in range(rows * outs * chains):
            acc[a] = ZERO
        for k in range(0, kept, 4):
            for r in range(rows):
                for i in range(ins):
                    v0, v1, v2, v3 = load4_shared(address, heard + r * row_size + i * vector + k)
                    for o in range(outs):
                        at = (i + o) * kept + k  # one of the two is 0
                        add(acc, r, o, w[at], w[at + 1], w[at + 2], w[at + 3], v0, v1, v2, v3)
        for k in range(kept, part, 4):
            for q in range(gates):
                at = rest + 4 * (((k - kept) // 4 * gates + q) * threads + cuda.threadIdx.x)
                w0, w1, w2, w3 = load4_shared(address, at)
                for r in range(rows):
                    v0, v1, v2, v3 = load4_shared(address, heard + r * row_size + q % ins * vector + k)
                    add(acc, r, q % outs, w0, w1, w2, w3, v0, v1, v2, v3)

    @register_jitable
    def over_lanes(acc, at):
        """The same bits in each lane."""
        value = acc[at]
        for c in range(1, chains):
            value += acc[at + c]
        step = 1
        while step < lanes:
            value += cuda.shfl_xor_sync(ALL, value, step)
            step *= 2
        return value

    @register_jitable
    def collect(acc, row, sums):
        for o in range(outs):
            own = ZERO
            for r in range(rows):
                value = over_lanes(acc, (r * outs + o) * chains)
                own = value if r == row else own
            sums[o] = own

    return Products(keep, multiply, collect, gates * kept, rows * outs * chains, outs)


def weight_of(plan):
    """(weights, gate, place, unit) -> between the unit's gate and the place; zero where there is no such place."""
    H, backward = plan.units, plan.backward

    @register_jitable
    def weight(weights, gate, place, unit):
        value = ZERO
        if place < H:
            column = unsigned(gate * H) + (unsigned(place) if backward else unit)
            value = weights[unit if backward else unsigned(place), column]
        return value

    return weight
