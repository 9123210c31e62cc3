"""Gradient descent with momentum, in three forms: equal while the rate is constant, different when it changes."""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from ..errors import InputError
from .base import Optimizer


@dataclass(eq=False, repr=False)
class SGD(Optimizer):
    """Keras' form, the rate inside the velocity: v = momentum v - rate g; w += v, or (Nesterov) momentum v - rate g."""

    momentum: float = 0.0
    nesterov: bool = False

    default_learning_rate = 0.01

    def __post_init__(self, *options):
        super().__post_init__(*options)
        self._expect_number("momentum", 0.0, 1.0)

    @property
    def slot_names(self):
        return ("velocity",) if self.momentum else ()

    def update(self, w, g, slots, rate, scratch):
        step = np.multiply(g, rate, out=scratch)
        if not self.momentum:
            w -= step
            return
        v = slots["velocity"]
        v *= self.momentum
        v -= step
        if self.nesterov:
            w -= step
            w += np.multiply(v, self.momentum, out=scratch)
        else:
            w += v


@dataclass(eq=False, repr=False)
class TF1Momentum(Optimizer):
    """TensorFlow 1's MomentumOptimizer: a = momentum a + g; w -= rate a, or (Nesterov) rate (g + momentum a)."""

    momentum: float = 0.9
    nesterov: bool = False

    slot_names = ("sum",)
    default_learning_rate = 0.01

    def __post_init__(self, *options):
        super().__post_init__(*options)
        self._expect_number("momentum", 0.0, 1.0)

    def update(self, w, g, slots, rate, scratch):
        total = slots["sum"]
        total *= self.momentum
        total += np.multiply(g, self._share_of_gradient(), out=scratch)
        if self.nesterov:
            np.multiply(total, self.momentum, out=scratch)
            scratch += g
            scratch *= rate
        else:
            np.multiply(total, rate, out=scratch)
        w -= scratch

    def _share_of_gradient(self):
        return 1.0


@dataclass(eq=False, repr=False)
class TorchSGD(TF1Momentum):
    """PyTorch's: `TF1Momentum`, where all gradients but the first enter a times 1 - dampening."""

    momentum: float = 0.0
    _: KW_ONLY
    dampening: float = 0.0

    def __post_init__(self, *options):
        super().__post_init__(*options)
        self._expect_number("dampening", 0.0, 1.0)
        if self.nesterov and (self.dampening or not self.momentum):
            raise InputError(f"{type(self).__name__}: nesterov expects a momentum and no dampening")
        if self.dampening and not self.momentum:
            raise InputError(f"{type(self).__name__}: dampening expects a momentum")

    def _share_of_gradient(self):
        return 1.0 if self.iterations == 1 else 1.0 - self.dampening
