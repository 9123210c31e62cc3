"""The references' functions by name, as formulas for autograd, with the derivatives at kinks that numbarnn promises.

Kinks are written with `where`: `maximum` and `clip` of autograd take other derivatives there.
"""

import autograd.numpy as np
from autograd.scipy.special import expit

from .clipping import clip, straight_through


def relu(x):
    return np.where(x > 0, x, 0.0)


def leaky_relu(x, alpha=0.2):
    return np.where(x > 0, x, alpha * x)


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.where(x > 0, 0.0, x)))


def softsign(x):
    return x / (1 + np.where(x > 0, x, -x))


def hard_sigmoid_keras2(x):
    """clip(0.2 x + 0.5, 0, 1): Keras 2, ONNX."""
    return _unit_clip(0.2 * x + 0.5)


def hard_sigmoid(x):
    """clip(x / 6 + 0.5, 0, 1): Keras 3, PyTorch."""
    return _unit_clip(x / 6 + 0.5)


def _unit_clip(y):
    return np.where(y <= 0, 0.0, np.where(y >= 1, 1.0, y))


def linear(x):
    return x


ACTIVATIONS = {
    "tanh": np.tanh,
    "sigmoid": expit,
    "relu": relu,
    "linear": linear,
    "hard_sigmoid_keras2": hard_sigmoid_keras2,
    "hard_sigmoid": hard_sigmoid,
    "softsign": softsign,
    "elu": elu,
    "leaky_relu": leaky_relu,
}

KINKS = {  # where the derivative jumps
    "relu": (0.0,),
    "leaky_relu": (0.0,),
    "hard_sigmoid_keras2": (-2.5, 2.5),
    "hard_sigmoid": (-3.0, 3.0),
}


FEW = (
    "sigmoid",
    "relu",
    "hard_sigmoid",
)  # smooth, with a kink, with two: for cells whose engine is proven by all
FUNCTIONS = ACTIVATIONS | {"clip": clip, "straight_through": straight_through}


def watched(distances):
    """The functions, which also append to `distances` how near each of their arguments comes to a kink."""

    def watch(name, function):
        def watching(x):
            distances.extend(np.abs(x - kink) for kink in KINKS[name])
            return function(x)

        return watching

    def watching_clip(x, bound):
        distances.append(np.abs(np.abs(x) - bound))
        return clip(x, bound)

    kinked = {name: watch(name, f) for name, f in ACTIVATIONS.items() if name in KINKS}
    return FUNCTIONS | kinked | {"clip": watching_clip}
