"""Adam (Kingma, Ba 2015) and its relatives, with epsilon where TensorFlow and Keras have it, or where PyTorch does."""

import math
from dataclasses import dataclass

from numba.extending import register_jitable

from ..maths import sqrt, where_less
from .base import Optimizer, averaged


@register_jitable
def adam(w, g, slots, constants):
    rate, epsilon, share_1, share_2 = constants
    m, v = averaged(slots[0], g, share_1), averaged(slots[1], g * g, share_2)
    return w - rate * (m / (sqrt(v) + epsilon)), (m, v)


@register_jitable
def amsgrad(w, g, slots, constants):
    rate, epsilon, share_1, share_2 = constants
    m, v = averaged(slots[0], g, share_1), averaged(slots[1], g * g, share_2)
    greatest = where_less(v, slots[2], slots[2], v)
    return w - rate * (m / (sqrt(greatest) + epsilon)), (m, v, greatest)


@register_jitable
def decaying_adam(w, g, slots, constants):
    rate, epsilon, share_1, share_2, kept = constants
    return adam(kept * w, g, slots, (rate, epsilon, share_1, share_2))


@dataclass(eq=False, repr=False)
class Adam(Optimizer):
    """Keras' form, which is TensorFlow 1's with another epsilon.

    m = beta_1 m + (1 - beta_1) g and v = beta_2 v + (1 - beta_2) g^2, then
    w -= rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon).
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7

    slot_names = ("mean", "square")

    def __post_init__(self, *options):
        super().__post_init__(*options)
        self._expect_number("beta_1", 0.0, 1.0)
        self._expect_number("beta_2", 0.0, 1.0)
        self._expect_number("epsilon", 0.0, math.inf)

    @property
    def formula(self):
        return adam

    def constants(self, rate):
        """The rate with both corrections, epsilon beside sqrt(v), and what g and g^2 have of the averages."""
        corrected = rate * self._root() / (1.0 - self.beta_1**self.iterations)
        return corrected, self._epsilon(), 1.0 - self.beta_1, 1.0 - self.beta_2

    def _root(self):
        return math.sqrt(1.0 - self.beta_2**self.iterations)

    def _epsilon(self):
        return self.epsilon


@dataclass(eq=False, repr=False)
class TF1Adam(Adam):
    """TensorFlow 1's AdamOptimizer: `Adam` with its epsilon."""

    epsilon: float = 1e-8


@dataclass(eq=False, repr=False)
class TorchAdam(Adam):
    """PyTorch's form, Algorithm 1 of the paper: w -= rate (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon).

    That is Keras' with epsilon times sqrt(1 - beta_2^t).
    """

    epsilon: float = 1e-8

    def _epsilon(self):
        return self.epsilon * self._root()


@dataclass(eq=False, repr=False)
class AMSGrad(Adam):
    """`Adam` with the largest v so far in the place of v (Reddi, Kale, Kumar 2018); Keras' ``amsgrad=True``."""

    slot_names = ("mean", "square", "greatest_square")

    @property
    def formula(self):
        return amsgrad


@dataclass(eq=False, repr=False)
class TorchAMSGrad(AMSGrad, TorchAdam):
    """PyTorch's ``Adam(amsgrad=True)``: `AMSGrad` with epsilon as in `TorchAdam`."""

    epsilon: float = 1e-8


@dataclass(eq=False, repr=False)
class AdamW(Adam):
    """Weights decay apart from the gradient: w -= rate weight_decay w, then `Adam` (Loshchilov, Hutter 2019; Keras)."""

    weight_decay: float = 0.004

    def __post_init__(self, *options):
        super().__post_init__(*options)
        self._expect_number("weight_decay", 0.0, math.inf)

    @property
    def formula(self):
        return decaying_adam

    def constants(self, rate):
        """Those of `Adam`, and what is left of a weight."""
        return *super().constants(rate), 1.0 - rate * self.weight_decay


@dataclass(eq=False, repr=False)
class TorchAdamW(AdamW, TorchAdam):
    """PyTorch's AdamW: weights decay, then `TorchAdam`."""

    epsilon: float = 1e-8
    weight_decay: float = 0.01
