"""z before any product: the vectors and offsets of a cell, the numbers that `Cell.draw` gave, and those that units read
of the inputs."""

import numpy as np

from .arrays import as_device, everyone, launch
from .products import ONES, products_of


def fill(tape, given):
    cell, (T, B, count, H) = tape.cell, tape.z.shape
    vectors = np.zeros((count, H), tape.real)
    for name, value in cell.offsets.items():
        vectors[list(cell.inputs).index(name)] = value
    vectors = as_device(vectors)
    for product in products_of(cell)[ONES]:
        array = tape.params[product.parameter]
        blocks = array.reshape(array.size // H, H)
        launch(add_blocks, product.count * H, blocks, vectors, product.block, product.slot, product.count)
    launch(spread, tape.z.size, vectors, tape.z)
    for name, array in given.items():
        array = np.asarray(array, tape.real)
        array = as_device(array.reshape((1,) * (3 - array.ndim) + array.shape))
        launch(put_given, T * B * H, array, 0, tape.z, list(cell.inputs).index(name))
    for slot, fed in enumerate(cell.inputs.values()):
        if fed == "u":
            launch(put_given, T * B * H, tape.x, tape.x.shape[2] - H, tape.z, slot)


def add_blocks(blocks, to, block, slot, count):
    H = to.shape[1]
    for i in everyone(count * H):
        to[slot + i // H, i % H] += blocks[block + i // H, i % H]


def spread(vectors, z):
    _, B, count, H = z.shape
    for i in everyone(z.size):
        row, slot, u = i // (count * H), i // H % count, i % H
        z[row // B, row % B, slot, u] = vectors[slot, u]


def put_given(given, start, z, slot):
    T, B, _, H = z.shape
    for i in everyone(T * B * H):
        t, b, u = i // (B * H), i // H % B, i % H
        z[t, b, slot, u] = given[t % given.shape[0], b % given.shape[1], start + u % (given.shape[2] - start)]
