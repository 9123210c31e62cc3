"""Clipping of gradients, {name: array}: new dictionaries, the arrays given stay as they are. NaN goes through.

``squares``: the sum of squares of each gradient, by name.
"""

import math
from collections.abc import Mapping

import numpy as np

from ..utils.types import Arrays


def by_global_norm(gradients: Arrays, limit: float, squares: Mapping[str, float]) -> Arrays:
    """Scale all alike so that the norm over all of them is at most ``limit`` (TensorFlow 1's clip_by_global_norm)."""
    norm = math.sqrt(sum(squares[name] for name in gradients))
    return gradients if norm <= limit else {name: g * (limit / norm) for name, g in gradients.items()}


def by_norm_of_each(gradients: Arrays, limit: float, squares: Mapping[str, float]) -> Arrays:
    """Scale each so that its own norm is at most ``limit``."""
    norms = {name: math.sqrt(squares[name]) for name in gradients}
    return {name: g if norms[name] <= limit else g * (limit / norms[name]) for name, g in gradients.items()}


def by_value(gradients: Arrays, limit: float) -> Arrays:
    """Move each element into [-limit, limit]."""
    return {name: np.clip(g, -limit, limit) for name, g in gradients.items()}
