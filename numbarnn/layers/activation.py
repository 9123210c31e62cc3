"""Activations as functions of whole arrays, and the layer that applies one."""

from dataclasses import dataclass

import numpy as np

from .. import maths
from ..errors import InputError
from .base import Layer


def softmax(x):
    """exp(x) over its sum along the last axis."""
    exp = np.exp(x - x.max(axis=-1, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)


NAMES = (*maths.ACTIVATIONS, "softmax")


def check(layer, name):
    """The activation's name; None stands for "linear"."""
    name = "linear" if name is None else name
    if name not in NAMES:
        raise InputError(f"{layer}: expected an activation out of {', '.join(NAMES)}, got {name!r}")
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
    return d_y * maths.ACTIVATIONS[name][1](y)


@dataclass(eq=False)
class Activation(Layer):
    """Applies an activation, by its name, to an array of any shape."""

    activation: str

    def __post_init__(self):
        super().__post_init__()
        self.activation = check(self.name, self.activation)

    def forward(self, x, training=False, rng=None):
        y = apply(self.activation, x)
        return y, (x, y)

    def pre_activation(self, saved):
        """What the activation was applied to; a loss may start there, and `backward` with it."""
        return saved[0]

    def backward(self, saved, d_output, from_pre_activation=False):
        return d_output if from_pre_activation else gradient(self.activation, saved[1], d_output), {}
