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


def chosen(*names, probability, shape):
    """True with this probability: from NumPy's generator for the path of the seed and the names, four places from 64
    bits, the lowest 16 first; where these just do not decide, from one more number in [0, 1)."""
    rng, count = np.random.default_rng((SEED, *(crc32(name.encode()) for name in names))), int(np.prod(shape))
    words = rng.integers(0, 2**64, (count + 3) // 4, dtype=np.uint64)
    numbers = np.array([[int(word) >> shift & 0xFFFF for shift in (0, 16, 32, 48)] for word in words], float)
    numbers, scaled = numbers.ravel()[:count], probability * 2**16
    numbers[numbers == np.floor(scaled)] += rng.random(np.sum(numbers == np.floor(scaled)))
    return (numbers < scaled).reshape(shape)


def dropout(*names, keep, shape):
    """1 / keep with probability keep, else 0."""
    return chosen(*names, probability=keep, shape=shape) / keep
