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


def uniform(*names, shape, dtype="float32"):
    """Numbers in [0, 1): from NumPy's generator for the path of the seed and the names."""
    return np.random.default_rng((SEED, *(crc32(name.encode()) for name in names))).random(shape, dtype=dtype)


def dropout(*names, keep, shape, dtype="float32"):
    """1 / keep with probability keep, else 0."""
    return (uniform(*names, shape=shape, dtype=dtype) < keep) / keep
