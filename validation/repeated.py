"""A comparison with PyTorch over many draws: where a gradient fades or cancels, the error of one draw is luck."""

import numpy as np

from . import pytorch, truth
from .compare import errors
from .problem import draw

DRAWS = 32


def mean_errors(case, keys, values, device):
    """{(group, quantity, gate): (ours, PyTorch's)} for these keys: means over the same draws of the case.

    `values(problem, device)` runs numbarnn in float32.
    """
    found = {key: ([], []) for key in keys}
    for number in range(DRAWS):
        problem = draw(case, number)
        true = truth.values(problem)
        for side, run in enumerate((values(problem.as_type("float32"), device), pytorch.values(case, problem))):
            for group, *key in keys:
                at = tuple(key)
                found[group, *key][side].append(errors({at: run[group][at]}, {at: true[group][at]})[at])
    return {key: tuple(map(np.mean, both)) for key, both in found.items()}
