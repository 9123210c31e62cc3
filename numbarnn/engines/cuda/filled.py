"""z before the walk: what the inputs x feed, what `Cell.draw` gave, and what units read of the inputs themselves.

For the walk with one product a step z gets the vectors of all steps too; in walks of one launch threads keep those in
registers.
"""

import numpy as np

from ...maths import zero as zero_like
from .arrays import as_device, everyone, launch
from .memory import zero
from .products import Products


def fill(tape):
    """z = all that is known before the first step."""
    vectors, z = tape.vectors, tape.z
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
    for name, array in tape.noise.items():
        array = np.asarray(array, tape.real)
        array = as_device(array.reshape((1,) * (3 - array.ndim) + array.shape))
        launch(put_given, T * B * H, array, 0, tape.z, names.index(name))
    for slot, fed in enumerate(tape.cell.inputs.values()):
        if fed == "u":
            launch(put_given, T * B * H, tape.x, tape.x.shape[2] - H, tape.z, slot)


def spread(vectors, z):
    _, B, count, H = z.shape
    for i in everyone(z.size):
        row, slot, u = i // (count * H), i // H % count, i % H
        z[row // B, row % B, slot, u] = (
            vectors[slot, u] if slot < vectors.shape[0] else zero_like(z[row // B, row % B, slot, u])
        )


def put_given(noise, start, z, slot):
    T, B, _, H = z.shape
    for i in everyone(T * B * H):
        t, b, u = i // (B * H), i // H % B, i % H
        z[t, b, slot, u] = noise[t % noise.shape[0], b % noise.shape[1], start + u % (noise.shape[2] - start)]
