"""An optimiser's step over whole arrays, in place: new weights, and new slots (moments) of each weight."""

import functools

import numpy as np

from ..runtime.arrays import address, name_of
from ..runtime.compile import compiled, inlined
from ..runtime.memory import (
    WHOLE,
    get,
    lanes,
    load_each,
    load_part,
    load_parts,
    panels_of,
    pointer,
    pointers,
    store_part,
    store_parts,
)
from ..runtime.simd import BYTES, Static
from ..runtime.threads import KERNEL, run, share, threads_for_each


@functools.cache
def update_kernel(function, constants, slots, dtype):
    """Compile function(w, g, slots, constants) -> w, slots of numbers for whole arrays; returns the kernel's address.

    `constants` and `slots` are their numbers. The kernel reads a table: the number of arrays, the address of vectors of
    the constants, then for each array its size and the addresses of w, g and the slots.
    """
    real, numbers, slot_count = Static(dtype), Static(tuple(range(constants))), Static(slots)
    function = inlined(function)

    def update(stage, shard, shards, args_address):
        table = pointer(WHOLE, args_address)
        vectors = pointer(real, get(table, 1))
        c = load_each(numbers, vectors, 0, lanes(vectors))
        for at in range(2, 2 + get(table, 0) * (3 + slots), 3 + slots):
            size, w, g = get(table, at), pointer(real, get(table, at + 1)), pointer(real, get(table, at + 2))
            s = pointers(slot_count, real, table, at + 3)
            first, last = share(panels_of(size, w), shard, shards)
            for i in range(first * lanes(w), last * lanes(w), lanes(w)):
                left = size - i
                new, changed = function(load_part(w, i, left), load_part(g, i, left), load_parts(s, i, left), c)
                store_part(w, i, left, new)
                store_parts(s, i, left, changed)

    return compiled(KERNEL, update)


def update(function, constants, arrays):
    """Apply w, slots = function(w, g, slots, constants) in place, element by element, to each (w, g, *slots) of
    contiguous arrays of one dtype."""
    dtype, sizes = arrays[0][0].dtype, [w.size for w, *_ in arrays]
    vectors = np.repeat(np.array(constants, dtype), BYTES // dtype.itemsize)
    table = [len(arrays), address(vectors)]
    for size, of_one in zip(sizes, arrays, strict=True):
        table += [size, *map(address, of_one)]
    table = np.array(table)
    kernel = update_kernel(function, len(constants), len(arrays[0]) - 2, name_of(dtype))
    run(kernel, 1, threads_for_each(sum(sizes)), address(table))
