"""Random choices, of which dropout and zoneout need one for each step, row and unit."""

import math

import numpy as np
from numba import config

from .random_kernel import choose, fraction, word


def chosen(rng, probability, shape):
    """Booleans, each true with this probability, from a NumPy Generator.

    Its next two words are the starts of two sequences of `word`. Byte k of the words of the first, the lowest of a word
    first, decides whether the number that it begins, in [0, 1), is below the probability. Where that takes more, one
    time in 256, number k of the second does.
    """
    count = math.prod(shape)
    whole, rest = divmod(probability * 256, 1)
    start, other = rng.bit_generator.random_raw(2)
    if whole == 256:
        return np.ones(shape, bool)
    if not config.DISABLE_JIT:
        return choose(count, int(whole), rest, start, other).reshape(shape)
    bits = word(start, np.arange(-(-count // 8), dtype=np.uint64)).astype("<u8", copy=False).view(np.uint8)[:count]
    undecided = np.flatnonzero(bits == whole)
    found = bits < whole
    found[undecided] = fraction(word(other, undecided.astype(np.uint64))) < rest
    return found.reshape(shape)
