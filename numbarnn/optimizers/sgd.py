"""Gradient descent with momentum, in three forms: equal while the rate is constant, different when it changes."""

from dataclasses import KW_ONLY, dataclass

from numba.extending import register_jitable

from ..errors import InputError
from .base import Optimizer


@register_jitable
def descent(w, g, slots, constants):
    (rate,) = constants
    return w - rate * g, ()


@register_jitable
def with_velocity(w, g, slots, constants):
    rate, momentum = constants
    v = momentum * slots[0] - rate * g
    return w + v, (v,)


@register_jitable
def ahead_of_velocity(w, g, slots, constants):
    rate, momentum = constants
    v = momentum * slots[0] - rate * g
    return w + momentum * v - rate * g, (v,)


@register_jitable
def with_sum(w, g, slots, constants):
    rate, momentum, share = constants
    a = momentum * slots[0] + share * g
    return w - rate * a, (a,)


@register_jitable
def ahead_of_sum(w, g, slots, constants):
    rate, momentum, share = constants
    a = momentum * slots[0] + share * g
    return w - rate * (g + momentum * a), (a,)


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

    @property
    def formula(self):
        if not self.momentum:
            return descent
        return ahead_of_velocity if self.nesterov else with_velocity

    def constants(self, rate):
        return (rate, self.momentum) if self.momentum else (rate,)


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

    @property
    def formula(self):
        return ahead_of_sum if self.nesterov else with_sum

    def constants(self, rate):
        return rate, self.momentum, self._share_of_gradient()

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
