"""What feeds pre-activations beside the products of a step: the inputs x, vectors such as the bias, constant offsets,
the numbers that `Cell.draw` gave, and those that units read of the inputs.

z gets all of it before the walk with one product a step. Walks in one launch get z without the constants, which their
threads keep in registers: see `vectors_of`.
"""

import functools

import numpy as np

from ..maths import constant
from ..maths import zero as zero_like
from .arrays import as_device, everyone, launch
from .memory import empty, zero
from .preactivations import constant_slots
from .products import ONES, Products, products_of
from .target import copy_on_device


def fill(tape):
    """z = all that is known before the first step."""
    vectors, z = vectors_of(tape.cell, tape.params, tape.real), tape.z
    if vectors.size:
        launch(spread, z.size, vectors, z)
    else:
        zero(z)
    feed_inputs(tape, add=True)


def feed_inputs(tape, add=False):
    """z = x W, or added to it, where x feeds it, and what is given in the place of a product."""
    for multiply in Products(tape, "x").to(tape.rows(tape.z), tape.rows(tape.x), add):
        multiply()
    (T, B, _, H), names = tape.z.shape, list(tape.cell.inputs)
    for name, array in tape.given.items():
        array = np.asarray(array, tape.real)
        array = as_device(array.reshape((1,) * (3 - array.ndim) + array.shape))
        launch(put_given, T * B * H, array, 0, tape.z, names.index(name))
    for slot, fed in enumerate(tape.cell.inputs.values()):
        if fed == "u":
            launch(put_given, T * B * H, tape.x, tape.x.shape[2] - H, tape.z, slot)


def vectors_of(cell, params, real):
    """(slots, H): the sum of offset and vectors of each pre-activation up to the last that has one, zero where it has
    none. That is the bias itself for cells that have nothing else."""
    H, products = cell.units, products_of(cell)[ONES]
    slots, offsets = constant_slots(cell), {name: value for name, value in cell.offsets.items() if value}
    count = max(slots, default=-1) + 1
    if len(products) == 1 and not offsets and (products[0].block, products[0].slot) == (0, 0):
        return params[products[0].parameter].reshape(count, H)
    vectors, written = zero(empty((count, H), real)), set()
    for parameter, block, slot, number in products:
        array = params[parameter]
        source = array.reshape(array.size // H, H)[block : block + number]
        places = set(range(slot, slot + number))
        if places & written:
            launch(add_blocks, number * H, source, vectors, slot)
        else:
            copy_on_device(vectors[slot].address, source.address, source.nbytes)
        written |= places
    for name, value in offsets.items():
        launch(add_number(float(value)), H, vectors, list(cell.inputs).index(name))
    return vectors


def add_blocks(blocks, to, slot):
    H = to.shape[1]
    for i in everyone(blocks.size):
        to[slot + i // H, i % H] += blocks[i // H, i % H]


@functools.cache
def add_number(value):
    def add(to, slot):
        for u in everyone(to.shape[1]):
            to[slot, u] += constant(to[slot, u], value)

    return add


def spread(vectors, z):
    _, B, count, H = z.shape
    for i in everyone(z.size):
        row, slot, u = i // (count * H), i // H % count, i % H
        z[row // B, row % B, slot, u] = (
            vectors[slot, u] if slot < vectors.shape[0] else zero_like(z[row // B, row % B, slot, u])
        )


def put_given(given, start, z, slot):
    T, B, _, H = z.shape
    for i in everyone(T * B * H):
        t, b, u = i // (B * H), i // H % B, i % H
        z[t, b, slot, u] = given[t % given.shape[0], b % given.shape[1], start + u % (given.shape[2] - start)]
