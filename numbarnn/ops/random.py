"""Random booleans for dropout and zoneout, which need one for each step, row and unit."""

import math

import numpy as np
from numba import config

from .random_kernel import bernoulli_bytes, splitmix64, uniform


def bernoulli(rng, probability, shape):
    """Draw booleans, each true with this probability, from a NumPy Generator.

    The next two words of the generator seed two SplitMix64 sequences. Byte k of the first, in little-endian order, is
    compared with the first 8 bits of the probability. If it equals them, one time in 256, word k of the second sequence
    decides with the rest of the probability.
    """
    count = math.prod(shape)
    whole, rest = divmod(probability * 256, 1)
    seed, rest_seed = rng.bit_generator.random_raw(2)
    if whole == 256:
        return np.ones(shape, bool)
    if not config.DISABLE_JIT:
        return bernoulli_bytes(count, int(whole), rest, seed, rest_seed).reshape(shape)
    words = splitmix64(seed, np.arange(-(-count // 8), dtype=np.uint64))
    drawn = words.astype("<u8", copy=False).view(np.uint8)[:count]
    undecided = np.flatnonzero(drawn == whole)
    found = drawn < whole
    found[undecided] = uniform(splitmix64(rest_seed, undecided.astype(np.uint64))) < rest
    return found.reshape(shape)
