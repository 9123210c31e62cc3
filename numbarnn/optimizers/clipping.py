"""Clipping of gradients, {name: array}: new dictionaries, the arrays given stay as they are. NaN goes through."""

import math

import numpy as np

from ..cpu.squares import square_sums


def by_global_norm(gradients, limit):
    """All scaled alike so that the norm over all of them is at most ``limit`` (TensorFlow 1's clip_by_global_norm)."""
    norm = math.sqrt(square_sums([*gradients.values()]).sum())
    return gradients if norm <= limit else {name: g * (limit / norm) for name, g in gradients.items()}


def by_norm_of_each(gradients, limit):
    """Each scaled so that its own norm is at most ``limit``."""
    norms = zip(gradients, np.sqrt(square_sums([*gradients.values()])).tolist(), strict=True)
    return {name: gradients[name] if norm <= limit else gradients[name] * (limit / norm) for name, norm in norms}


def by_value(gradients, limit):
    """Each element moved into [-limit, limit]."""
    return {name: np.clip(g, -limit, limit) for name, g in gradients.items()}
