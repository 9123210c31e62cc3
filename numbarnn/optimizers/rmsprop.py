"""RMSprop (Tieleman, Hinton 2012), in five forms: they differ in where epsilon stands, and where the average starts."""

import math
from dataclasses import KW_ONLY, dataclass
from functools import cache

from numba.extending import register_jitable

from ..errors import InputError
from ..maths import sqrt
from .base import Optimizer, averaged


@register_jitable
def mean_square(g, slots, share):
    a = averaged(slots[0], g * g, share)
    return a, (a,)


@register_jitable
def variance(g, slots, share):
    a, b = averaged(slots[0], g * g, share), averaged(slots[1], g, share)
    return a - b * b, (a, b)


@register_jitable
def at_rest(step, slots, momentum):
    return step, ()


@register_jitable
def moving(step, slots, momentum):
    m = momentum * slots[-1] + step
    return m, (m,)


@cache
def epsilon_inside(spread, motion):
    @register_jitable
    def rmsprop(w, g, slots, constants):
        rate, share, epsilon, momentum = constants
        square, averages = spread(g, slots, share)
        step, moved = motion(rate * (g / sqrt(square + epsilon)), slots, momentum)
        return w - step, averages + moved

    return rmsprop


@cache
def epsilon_outside(spread, motion):
    @register_jitable
    def rmsprop(w, g, slots, constants):
        rate, share, epsilon, momentum = constants
        square, averages = spread(g, slots, share)
        step, moved = motion(g / (sqrt(square) + epsilon), slots, momentum)
        return w - rate * step, averages + moved

    return rmsprop


@dataclass(eq=False, repr=False)
class RMSprop(Optimizer):
    """Keras 2's, epsilon outside the root: a = rho a + (1 - rho) g^2; w -= rate g / (sqrt(a) + epsilon)."""

    rho: float = 0.9
    epsilon: float = 1e-7

    slot_names = ("square",)
    momentum = 0.0  # an option of the other forms

    def __post_init__(self, *options):
        super().__post_init__(*options)
        self._expect_number("rho", 0.0, 1.0)
        self._expect_number("epsilon", 0.0, math.inf)

    @property
    def formula(self):
        return epsilon_outside(mean_square, at_rest)

    def constants(self, rate):
        """The rate, what g and g^2 have of the averages, epsilon and the momentum."""
        return rate, 1.0 - self.rho, self.epsilon, self.momentum


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

    def _parts(self):
        return variance if self.centered else mean_square, moving if self.momentum else at_rest


@dataclass(eq=False, repr=False)
class Keras3RMSprop(_WithMomentum):
    """Keras 3's, epsilon inside the root: m = momentum m + rate g / sqrt(a [- b^2] + epsilon); w -= m.

    a = rho a + (1 - rho) g^2 and, when ``centered``, b = rho b + (1 - rho) g, both from 0.
    """

    @property
    def formula(self):
        return epsilon_inside(*self._parts())


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

    @property
    def formula(self):
        return epsilon_outside(*self._parts())
