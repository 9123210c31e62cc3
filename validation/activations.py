"""The references' functions by name, as formulas for autograd, with the derivatives at kinks that numbarnn promises.

Kinks are written with `where`: `maximum` and `clip` of autograd take other derivatives there.
"""

from dataclasses import dataclass

import autograd.numpy as np
from autograd.scipy.special import erf, expit

from .clipping import clip, straight_through


@dataclass(frozen=True)
class With:
    """An activation with parameters, in words: the name of its class in `numbarnn.activations`, and the parameters."""

    name: str
    parameters: tuple

    def __str__(self):
        return f"{self.name}({', '.join(map(str, self.parameters))})"


def relu(x):
    return np.where(x > 0, x, 0.0)


def relu6(x):
    """The derivative is 1 at both bounds."""
    return np.where(x < 0, 0.0, np.where(x > 6, 6.0, x))


def hard_tanh(x):
    """The derivative is 1 at both bounds."""
    return np.where(x < -1, -1.0, np.where(x > 1, 1.0, x))


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


def sparse_sigmoid(x):
    return _unit_clip(0.5 * x + 0.5)


def onnx_hard_sigmoid(x, alpha, beta):
    return _unit_clip(alpha * x + beta)


def linear(x):
    return x


def selu(x):
    scale, alpha = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
    return np.where(x > 0, scale * x, scale * alpha * np.expm1(np.where(x > 0, 0.0, x)))


def celu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.where(x > 0, 0.0, x) / alpha))


def softplus(x):
    return np.logaddexp(0.0, x)


def log_sigmoid(x):
    return -np.logaddexp(0.0, -x)


def squareplus(x, b=4.0):
    return (x + np.sqrt(x * x + b)) / 2


def silu(x):
    return x * expit(x)


def hard_silu(x):
    return x * hard_sigmoid(x)


def gelu(x):
    return x * (1 + erf(x / np.sqrt(2.0))) / 2


def gelu_tanh(x):
    return x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2


def mish(x):
    return x * np.tanh(np.logaddexp(0.0, x))


def tanh_shrink(x):
    return x - np.tanh(x)


def hard_shrink(x, threshold=0.5):
    return np.where(x > threshold, x, np.where(x < -threshold, x, 0.0))


def soft_shrink(x, threshold=0.5):
    return np.where(x > threshold, x - threshold, np.where(x < -threshold, x + threshold, 0.0))


def sparse_plus(x):
    return np.where(x <= -1, 0.0, np.where(x >= 1, x, (x + 1) ** 2 / 4))


def threshold(x, limit, default_value=0.0):
    return np.where(x > limit, x, default_value)


def affine(x, alpha, beta):
    return alpha * x + beta


def scaled_tanh(x, alpha, beta):
    return alpha * np.tanh(beta * x)


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
    "celu": celu,
    "selu": selu,
    "softplus": softplus,
    "log_sigmoid": log_sigmoid,
    "squareplus": squareplus,
    "sparse_sigmoid": sparse_sigmoid,
    "exponential": np.exp,
    "silu": silu,
    "hard_silu": hard_silu,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "mish": mish,
    "relu6": relu6,
    "hard_tanh": hard_tanh,
    "tanh_shrink": tanh_shrink,
    "hard_shrink": hard_shrink,
    "soft_shrink": soft_shrink,
    "sparse_plus": sparse_plus,
}
WITH = {  # parameters: the formula
    With("Affine", (0.7, -0.3)): affine,
    With("CELU", (0.6,)): celu,
    With("ELU", (0.4,)): elu,
    With("HardShrink", (0.25,)): hard_shrink,
    With("HardSigmoid", (0.25, 0.5)): onnx_hard_sigmoid,
    With("LeakyReLU", (0.3,)): leaky_relu,
    With("ScaledTanh", (1.7, 0.6)): scaled_tanh,
    With("SoftShrink", (0.25,)): soft_shrink,
    With("Squareplus", (0.5,)): squareplus,
    With("Threshold", (-0.25, 0.1)): threshold,
    With("ThresholdedReLU", (0.25,)): threshold,
}

KINKS = {  # where the derivative jumps
    "relu": (0.0,),
    "leaky_relu": (0.0,),
    "hard_sigmoid_keras2": (-2.5, 2.5),
    "hard_sigmoid": (-3.0, 3.0),
    "selu": (0.0,),
    "sparse_sigmoid": (-1.0, 1.0),
    "hard_silu": (-3.0, 3.0),
    "relu6": (0.0, 6.0),
    "hard_tanh": (-1.0, 1.0),
    "hard_shrink": (-0.5, 0.5),
    "soft_shrink": (-0.5, 0.5),
    "ELU(0.4)": (0.0,),
    "HardShrink(0.25)": (-0.25, 0.25),
    "HardSigmoid(0.25, 0.5)": (-2.0, 2.0),
    "LeakyReLU(0.3)": (0.0,),
    "SoftShrink(0.25)": (-0.25, 0.25),
    "Threshold(-0.25, 0.1)": (-0.25,),
    "ThresholdedReLU(0.25)": (0.25,),
}


def _fixed(function, parameters):
    return lambda x: function(x, *parameters)


ALL = (*ACTIVATIONS, *WITH)
# those whose value gives the derivative, with a kink or two and without; traced ones; and with parameters
SOME = (
    *("tanh", "sigmoid", "relu", "linear", "hard_sigmoid_keras2", "hard_sigmoid", "softsign", "elu", "leaky_relu"),
    *("softplus", "gelu", "hard_shrink", With("LeakyReLU", (0.3,)), With("ScaledTanh", (1.7, 0.6))),
)
FEW = ("sigmoid", "relu", "hard_sigmoid")  # smooth, with a kink, with two: for cells whose engine is proven by all
FUNCTIONS = ACTIVATIONS | {activation: _fixed(f, activation.parameters) for activation, f in WITH.items()}
FUNCTIONS |= {"clip": clip, "straight_through": straight_through}


def watched(distances):
    """The functions, which also append to `distances` how near each of their arguments comes to a kink."""

    def watch(name, function):
        def watching(x):
            distances.extend(np.abs(x - kink) for kink in KINKS[str(name)])
            return function(x)

        return watching

    def watching_clip(x, bound):
        distances.append(np.abs(np.abs(x) - bound))
        return clip(x, bound)

    kinked = {name: watch(name, f) for name, f in FUNCTIONS.items() if str(name) in KINKS}
    return FUNCTIONS | kinked | {"clip": watching_clip}
