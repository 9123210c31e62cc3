"""Random choices, of which dropout and zoneout need one for each step, row and unit."""

import math

import numpy as np


def chosen(rng, probability, shape):
    """Booleans, each true with this probability, from a NumPy Generator.

    16 random bits each, four times 16 from one integer, the lowest first, decide whether the number that they begin, in
    [0, 1), is below the probability; one more number decides in the rare case that more bits are needed.
    """
    count = math.prod(shape)
    bits = rng.integers(0, 1 << 64, -(-count // 4), np.uint64).astype("<u8", copy=False).view("<u2")[:count]
    whole, rest = divmod(probability * (1 << 16), 1)
    found = bits < int(whole)
    undecided = np.flatnonzero(bits == int(whole))
    found[undecided] = rng.random(len(undecided)) < rest
    return found.reshape(shape)
