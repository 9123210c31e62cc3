"""Random masks as numbarnn documents them: they depend on the caller's seed and on names alone."""

from typing import NamedTuple
from zlib import crc32

import numpy as np

SEED = 7


class Sizes(NamedTuple):
    """Of a problem: steps, rows, the widths of inputs, outputs and states, and the shapes of the parameters."""

    T: int
    B: int
    I: int
    output: int
    states: dict
    params: dict


def words(state, count):
    """`count` numbers of 64 bits from SplitMix64 (Steele, Lea and Flood 2014)."""
    found = []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        found.append(z ^ z >> 31)
    return found


def chosen(*names, probability, shape):
    """True with this probability: NumPy's generator for the path of the seed and the names gives the states of two
    sequences of words. Place k is decided by byte k of the first, the lowest of a word first; where it just does not
    decide, word k of the second, a number in [0, 1), is added."""
    rng, count = np.random.default_rng((SEED, *(crc32(name.encode()) for name in names))), int(np.prod(shape))
    first, second = rng.integers(0, 2**64, 2, dtype=np.uint64).tolist()
    numbers = np.array([word >> shift & 0xFF for word in words(first, (count + 7) // 8) for shift in range(0, 64, 8)])
    numbers, scaled = numbers[:count].astype(float), probability * 2**8
    rest = np.array([(word >> 11) * 2.0**-53 for word in words(second, count)])
    numbers += np.where(numbers == np.floor(scaled), rest, 0)
    return (numbers < scaled).reshape(shape)


def dropout(*names, keep, shape):
    """1 / keep with probability keep, else 0."""
    return chosen(*names, probability=keep, shape=shape) / keep
