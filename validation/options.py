"""Which options are tried, alone and together."""

from zlib import crc32

import numpy as np

COMBINATIONS = 4  # of options drawn at random, for each cell
SHARE = 0.75  # of the options in a combination


def alone(module):
    """Every value of every option, with nothing but the options that it makes no sense without."""
    return [required(module, option) | {option: value} for option, values in module.OPTIONS.items() for value in values]


def required(module, option):
    return getattr(module, "REQUIRES", {}).get(option, {})


def combined(module):
    """Random values for most of the options at once, the same in every run."""
    rng = np.random.default_rng(crc32(module.CELL.encode()))
    return [_combination(module, rng) for _ in range(COMBINATIONS)] if len(module.OPTIONS) > 1 else []


def _combination(module, rng):
    drawn = {}
    for option, values in module.OPTIONS.items():
        if rng.random() < SHARE:
            drawn |= required(module, option) | {option: values[rng.integers(len(values))]}
    return drawn


def quick(module):
    """The last value of each option alone, but for those that the module has INHERITED."""
    return [
        required(module, option) | {option: values[-1]}
        for option, values in module.OPTIONS.items()
        if option not in getattr(module, "INHERITED", ())
    ]
