"""What pre-activations have in all steps: vectors such as the bias, and constant offsets."""

import functools

from ...maths import constant
from .arrays import everyone, launch
from .memory import empty, zero
from .preactivations import constant_slots
from .products import ONES, products_of
from .target import copy_on_device


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
