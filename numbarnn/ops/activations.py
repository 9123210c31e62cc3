"""Activations of whole arrays by name, and their gradients, which are functions of the activation's value."""

import numpy as np

from .. import maths
from ..errors import InputError


def softmax(x):
    """Compute exp(x) over its sum along the last axis."""
    exp = np.exp(x - x.max(axis=-1, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)


NAMES = (*maths.ACTIVATIONS, "softmax")


def check(caller, name):
    """Return the activation's name, "linear" for None; raise `InputError` if there is none of that name."""
    name = "linear" if name is None else name
    if name not in NAMES:
        raise InputError(f"{caller}: expected an activation out of {', '.join(NAMES)}, got {name!r}")
    return name


def apply(name, x):
    """Compute the activation of an array."""
    return softmax(x) if name == "softmax" else maths.ACTIVATIONS[name][0](x)


def gradient(name, y, d_y):
    """Compute the gradient of the activation's input from that of its value y."""
    if name == "linear":
        return d_y
    if name == "softmax":
        return y * (d_y - (d_y * y).sum(axis=-1, keepdims=True))
    # The derivative may choose between two Python numbers, so its dtype is set.
    return d_y * np.asarray(maths.ACTIVATIONS[name][1](y), y.dtype)
