"""RMSprop (Tieleman, Hinton 2012), in five forms: they differ in where epsilon stands, and where the average starts."""

import math
from dataclasses import KW_ONLY, dataclass

import numpy as np

from ..errors import InputError
from .base import Optimizer, move_average


@dataclass(eq=False, repr=False)
class RMSprop(Optimizer):
    """Keras 2's, epsilon outside the root: a = rho a + (1 - rho) g^2; w -= rate g / (sqrt(a) + epsilon)."""

    rho: float = 0.9
    epsilon: float = 1e-7

    slot_names = ("square",)

    def __post_init__(self, *options):
        super().__post_init__(*options)
        self._expect_number("rho", 0.0, 1.0)
        self._expect_number("epsilon", 0.0, math.inf)

    def update(self, w, g, slots, rate, scratch):
        a = slots["square"]
        move_average(a, np.multiply(g, g, out=scratch), self.rho, scratch)
        np.sqrt(a, out=scratch)
        scratch += self.epsilon
        np.divide(g, scratch, out=scratch)
        scratch *= rate
        w -= scratch


@dataclass(eq=False, repr=False)
class _WithMomentum(RMSprop):
    """Momentum, and ``centered``: the variance in the place of the mean square, with the average gradient b."""

    _: KW_ONLY
    momentum: float = 0.0
    centered: bool = False

    def __post_init__(self, *options):
        super().__post_init__(*options)
        self._expect_number("momentum", 0.0, 1.0)

    @property
    def slot_names(self):
        return "square", *(["mean"] if self.centered else []), *(["momentum"] if self.momentum else [])

    def _mean_square(self, g, slots, scratch):
        """In scratch: a, or a - b^2."""
        move_average(slots["square"], np.multiply(g, g, out=scratch), self.rho, scratch)
        if not self.centered:
            np.copyto(scratch, slots["square"])
            return
        move_average(slots["mean"], g, self.rho, scratch)
        np.multiply(slots["mean"], slots["mean"], out=scratch)
        np.subtract(slots["square"], scratch, out=scratch)


@dataclass(eq=False, repr=False)
class Keras3RMSprop(_WithMomentum):
    """Keras 3's, epsilon inside the root: m = momentum m + rate g / sqrt(a [- b^2] + epsilon); w -= m.

    a = rho a + (1 - rho) g^2 and, when ``centered``, b = rho b + (1 - rho) g, both from 0.
    """

    def update(self, w, g, slots, rate, scratch):
        self._mean_square(g, slots, scratch)
        scratch += self.epsilon
        np.sqrt(scratch, out=scratch)
        np.divide(g, scratch, out=scratch)
        scratch *= rate
        if self.momentum:
            slots["momentum"] *= self.momentum
            slots["momentum"] += scratch
        w -= slots["momentum"] if self.momentum else scratch


@dataclass(eq=False, repr=False)
class Keras2MomentumRMSprop(Keras3RMSprop):
    """Keras 2.3's with momentum, which puts epsilon inside the root; without momentum `RMSprop` is Keras 2's."""

    momentum: float = 0.9

    def __post_init__(self, *options):
        super().__post_init__(*options)
        if not self.momentum:
            raise InputError(f"{type(self).__name__}: expected momentum above 0 (without it: RMSprop), got 0")


@dataclass(eq=False, repr=False)
class TF1RMSprop(Keras3RMSprop):
    """TensorFlow 1's RMSPropOptimizer: as Keras 3's, but a starts at 1, which makes the first steps small."""

    epsilon: float = 1e-10

    slot_starts = {"square": 1}


@dataclass(eq=False, repr=False)
class TorchRMSprop(_WithMomentum):
    """PyTorch's, epsilon outside the root: m = momentum m + g / (sqrt(a [- b^2]) + epsilon); w -= rate m."""

    rho: float = 0.99
    epsilon: float = 1e-8

    default_learning_rate = 0.01

    def update(self, w, g, slots, rate, scratch):
        self._mean_square(g, slots, scratch)
        np.sqrt(scratch, out=scratch)
        scratch += self.epsilon
        np.divide(g, scratch, out=scratch)
        if self.momentum:
            slots["momentum"] *= self.momentum
            slots["momentum"] += scratch
            np.copyto(scratch, slots["momentum"])
        scratch *= rate
        w -= scratch
