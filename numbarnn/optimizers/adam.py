"""Adam (Kingma, Ba 2015) and its relatives, with epsilon where TensorFlow and Keras have it, or where PyTorch does."""

import math
from dataclasses import dataclass

import numpy as np

from .base import Optimizer, move_average


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

    def constants(self, rate):
        """The rate, the rate with both corrections, and epsilon beside sqrt(v)."""
        return rate, rate * self._root() / (1.0 - self.beta_1**self.iterations), self._epsilon()

    def update(self, w, g, slots, step, scratch):
        m, v = slots["mean"], slots["square"]
        _, corrected_rate, epsilon = step
        move_average(m, g, self.beta_1, scratch)
        move_average(v, np.multiply(g, g, out=scratch), self.beta_2, scratch)
        np.sqrt(self._square(slots), out=scratch)
        scratch += epsilon
        np.divide(m, scratch, out=scratch)
        scratch *= corrected_rate
        w -= scratch

    def _root(self):
        return math.sqrt(1.0 - self.beta_2**self.iterations)

    def _square(self, slots):
        return slots["square"]

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

    def _square(self, slots):
        greatest = slots["greatest_square"]
        return np.maximum(greatest, slots["square"], out=greatest)


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

    def update(self, w, g, slots, step, scratch):
        w *= 1.0 - step[0] * self.weight_decay
        super().update(w, g, slots, step, scratch)


@dataclass(eq=False, repr=False)
class TorchAdamW(AdamW, TorchAdam):
    """PyTorch's AdamW: weights decay, then `TorchAdam`."""

    epsilon: float = 1e-8
    weight_decay: float = 0.01
