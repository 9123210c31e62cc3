"""A block's product with weights that stay in its shared memory, for the kernels in `persistent`.

What is multiplied comes from all neighbours, by way of global memory, numbers[place, row]. The weights stand in shared
memory as w[place, column]. A thread adds up, over one of `splits` parts of the places, a tile of results in registers;
the partial sums meet in shared memory, partial[split, row, column].
"""

import functools
from typing import Any, NamedTuple

from numba import float32
from numba.extending import register_jitable

from .persistent_plan import UNROLLED
from .steps import ZERO, short, unsigned
from .target import copy4, cuda, end_of_group, load4_shared, load_shared, store4_shared, wait_for_groups
from .tuples import repeated

AT_ONCE = 8  # weights that a thread has asked for before the first one arrives


class Product(NamedTuple):
    """Device functions. `keep(memory, weights, first)` stores the weights of the units from `first` on;
    `multiply(address, numbers, at)` makes the partial sums of what stands in numbers[at:]; `total(address, row, gate)`
    adds up those of this thread's unit."""

    keep: Any
    multiply: Any
    total: Any


@functools.cache
def product(plan, H):
    """Forward: h of all units gives `gates` columns a unit, column gate * units + unit. Backward: dz of all gates and
    units, place gate * padded + unit, gives a column a unit."""
    units, rows, threads, run, chunk, chunks = plan.units, plan.rows, plan.threads, plan.run, plan.chunk, plan.chunks
    depth, columns, splits, width, height = plan.depth, plan.columns, plan.splits, plan.tile_columns, plan.tile_rows
    across, down, results = columns // width, rows // height, width * height
    stride, heard, partial, weight = plan.row_stride, plan.heard, plan.partial, weight_of(plan, H)
    COLUMNS = unsigned(columns)  # of any other integer, a division costs twice as much
    buffers, size, copies = plan.buffers, chunk * rows, -(-chunk * rows // (4 * threads))

    @register_jitable
    def keep(memory, weights, first):
        found = cuda.local.array(AT_ONCE, float32)
        for i in range(cuda.threadIdx.x, heard, AT_ONCE * threads):
            for n in range(AT_ONCE):
                at = unsigned(i + n * threads)
                found[n] = weight(weights, unsigned(at // COLUMNS), unsigned(at % COLUMNS), unsigned(first))
            for n in range(AT_ONCE):
                if i + n * threads < heard:
                    memory[unsigned(i + n * threads)] = found[n]
        for i in range(cuda.threadIdx.x, buffers * size, threads):
            memory[unsigned(heard + i)] = ZERO  # not all of the last chunk gets a number

    @register_jitable
    def fetch(n, address, numbers, at):
        """Ask for chunk n, if there is one."""
        if n < chunks:
            wanted = min(size, depth * rows - n * size)
            for k in range(copies):
                i = 4 * (cuda.threadIdx.x + k * threads)
                if wanted == 4 * threads * copies or i < wanted:
                    copy4(address, heard + n % buffers * size + i, numbers, at + n * size + i)
        end_of_group()

    @register_jitable
    def add_place(k, acc, w, v, address, w_at, v_at):
        """To a tile the products of one place."""
        for a in range(0, width, 4):
            w[a], w[a + 1], w[a + 2], w[a + 3] = load4_shared(address, w_at + k * columns + a * across)
        for a in range(0, height, 4):
            v[a], v[a + 1], v[a + 2], v[a + 3] = load4_shared(address, v_at + k * rows + a * down)
        for j in range(height):
            for i in range(width):
                acc[j * width + i] += w[i] * v[j]

    add_places = repeated(add_place, UNROLLED)

    @register_jitable
    def add_run(acc, address, w_at, v_at):
        w, v = cuda.local.array(width, float32), cuda.local.array(height, float32)
        end = short(v_at + run * rows)
        while v_at < end:
            add_places(acc, w, v, address, w_at, v_at)
            w_at, v_at = short(w_at + UNROLLED * columns), short(v_at + UNROLLED * rows)

    @register_jitable
    def store(acc, address, at):
        for j in range(height):
            for a in range(0, width, 4):
                i, to = j * width + a, at + (j // 4 * 4 * down + j % 4) * stride + a * across
                store4_shared(address, to, (acc[i], acc[i + 1], acc[i + 2], acc[i + 3]))

    @register_jitable
    def add_chunk(n, acc, address, numbers, at, split, w_at, v_at):
        wait_for_groups()
        cuda.syncthreads()  # chunk n is there, and the one before it has been read
        fetch(n + 2, address, numbers, at)
        if split < splits:
            add_run(acc, address, short(w_at + n * chunk * columns), short(v_at + n % buffers * size))

    add_chunks = repeated(add_chunk, chunks)

    @register_jitable
    def multiply(address, numbers, at):
        thread = cuda.threadIdx.x
        column, row, split = 4 * (thread % across), 4 * (thread // across % down), thread // (across * down)
        acc = cuda.local.array(results, float32)
        for i in range(results):
            acc[i] = ZERO
        fetch(0, address, numbers, at)
        fetch(1, address, numbers, at)
        w_at, v_at = split * run * columns + column, heard + split * run * rows + row
        add_chunks(acc, address, numbers, at, split, w_at, v_at)
        if split < splits:
            store(acc, address, partial + (split * rows + row) * stride + column)
        cuda.syncthreads()

    @register_jitable
    def total(address, row, gate):
        value, at = ZERO, partial + row * stride + gate * units + cuda.threadIdx.x % units
        for split in range(splits):
            value += load_shared(address, at + split * rows * stride)
        return value

    return Product(keep, multiply, total)


def weight_of(plan, H):
    """(weights, place, column, first) -> what a block whose units are those from `first` on keeps for a place and a
    column; zero where there is no such unit."""
    H, units, padded, depth = map(unsigned, (H, plan.units, plan.padded, plan.depth))
    backward = plan.backward

    @register_jitable
    def weight(weights, place, column, first):
        gate = unsigned(place // padded if backward else column // units)
        unit, other = unsigned(first + column % units), unsigned(place % padded)
        value = ZERO
        if unit < H and other < H and place < depth:
            row, column = (unit, other) if backward else (other, unit)
            value = weights[row, unsigned(gate * H + column)]
        return value

    return weight
