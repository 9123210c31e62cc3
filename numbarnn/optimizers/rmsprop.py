"""RMSprop (Tieleman, Hinton 2012), in five forms: they differ in where epsilon stands, and where the average starts."""

import math
from dataclasses import KW_ONLY, dataclass
from functools import cache

from numba.extending import register_jitable

from ..errors import InputError
from ..maths import sqrt
from ..utils.docs import inherit_parameters
from .base import Formula, Optimizer, averaged


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


@inherit_parameters
@dataclass(eq=False, repr=False)
class RMSprop(Optimizer):
    """Update by RMSprop in Keras 2's form, epsilon outside the root.

    a = rho a + (1 - rho) g^2; w -= rate g / (sqrt(a) + epsilon).

    Parameters
    ----------
    rho : float
        Share that the averages keep in a step, in [0, 1).
    epsilon : float
        Number of at least 0 beside or under the root.

    References
    ----------
    Tieleman, Hinton (2012), "Lecture 6.5: RMSprop", Coursera.
    """

    rho: float = 0.9
    epsilon: float = 1e-7

    slot_names = ("square",)
    # an option of the other forms
    momentum = 0.0

    def __post_init__(self, *options):
        super().__post_init__(*options)
        self._expect_number("rho", 0.0, 1.0)
        self._expect_number("epsilon", 0.0, math.inf)

    @property
    def formula(self) -> Formula:
        return epsilon_outside(mean_square, at_rest)

    def constants(self, rate: float) -> tuple[float, ...]:
        """Compute the rate, the share of g and g^2 in the averages, epsilon and the momentum."""
        return rate, 1.0 - self.rho, self.epsilon, self.momentum


@inherit_parameters
@dataclass(eq=False, repr=False)
class _WithMomentum(RMSprop):
    """Base class of the forms with momentum.

    Parameters
    ----------
    momentum : float
        Share of the step before in the next one, in [0, 1).
    centered : bool, default False
        Whether the variance, a - b^2 with the average gradient b, is used instead of the mean square a.
    """

    _: KW_ONLY
    momentum: float = 0.0
    centered: bool = False

    def __post_init__(self, *options):
        super().__post_init__(*options)
        self._expect_number("momentum", 0.0, 1.0)

    @property
    def slot_names(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return "square", *(["mean"] if self.centered else []), *(["momentum"] if self.momentum else [])

    def _parts(self):
        return variance if self.centered else mean_square, moving if self.momentum else at_rest


@inherit_parameters
@dataclass(eq=False, repr=False)
class Keras3RMSprop(_WithMomentum):
    """Update by RMSprop in Keras 3's form, epsilon inside the root.

    m = momentum m + rate g / sqrt(a [- b^2] + epsilon); w -= m. a = rho a + (1 - rho) g^2 and, if ``centered``,
    b = rho b + (1 - rho) g, both from 0.
    """

    @property
    def formula(self) -> Formula:
        return epsilon_inside(*self._parts())


@inherit_parameters
@dataclass(eq=False, repr=False)
class Keras2MomentumRMSprop(Keras3RMSprop):
    """Update by RMSprop with momentum in Keras 2.3's form, epsilon inside the root.

    Without momentum Keras 2's form is `RMSprop`.
    """

    momentum: float = 0.9

    def __post_init__(self, *options):
        super().__post_init__(*options)
        if not self.momentum:
            raise InputError(f"{type(self).__name__}: expected momentum above 0 (without it: RMSprop), got 0")


@inherit_parameters
@dataclass(eq=False, repr=False)
class TF1RMSprop(Keras3RMSprop):
    """Update as TensorFlow 1's RMSPropOptimizer does: `Keras3RMSprop` with a from 1, so that first steps are small."""

    epsilon: float = 1e-10

    slot_starts = {"square": 1}


@inherit_parameters
@dataclass(eq=False, repr=False)
class TorchRMSprop(_WithMomentum):
    """Update by RMSprop in PyTorch's form, epsilon outside the root.

    m = momentum m + g / (sqrt(a [- b^2]) + epsilon); w -= rate m.
    """

    rho: float = 0.99
    epsilon: float = 1e-8

    default_learning_rate = 0.01

    @property
    def formula(self) -> Formula:
        return epsilon_outside(*self._parts())
