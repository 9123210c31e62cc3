"""Activations by name, of whole arrays; their gradients come from their values."""

import numpy as np

from .. import maths
from ..errors import InputError


def softmax(x):
    """exp(x) over its sum along the last axis."""
    exp = np.exp(x - x.max(axis=-1, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)


NAMES = (*maths.ACTIVATIONS, "softmax")


def check(caller, name):
    """The activation's name; None stands for "linear"."""
    name = "linear" if name is None else name
    if name not in NAMES:
        raise InputError(f"{caller}: expected an activation out of {', '.join(NAMES)}, got {name!r}")
    return name


def apply(name, x):
    """Value of the activation."""
    return softmax(x) if name == "softmax" else maths.ACTIVATIONS[name][0](x)


def gradient(name, y, d_y):
    """Gradient of the activation's input from that of its value y."""
    if name == "linear":
        return d_y
    if name == "softmax":
        return y * (d_y - (d_y * y).sum(axis=-1, keepdims=True))
    return d_y * np.asarray(maths.ACTIVATIONS[name][1](y), y.dtype)  # a choice between two Python numbers has no type
