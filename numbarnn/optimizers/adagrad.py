"""Rates of each weight's own, from the gradients that it has had: Adagrad in two forms, and Adadelta."""

import math
from dataclasses import dataclass

from numba.extending import register_jitable

from ..maths import sqrt
from ..utils.docs import inherit_parameters
from .base import Formula, Optimizer, averaged


@register_jitable
def epsilon_inside(w, g, slots, constants):
    rate, epsilon = constants
    a = slots[0] + g * g
    return w - rate * (g / sqrt(a + epsilon)), (a,)


@register_jitable
def epsilon_outside(w, g, slots, constants):
    rate, epsilon = constants
    a = slots[0] + g * g
    return w - rate * (g / (sqrt(a) + epsilon)), (a,)


@register_jitable
def adadelta(w, g, slots, constants):
    rate, epsilon, share = constants
    a = averaged(slots[0], g * g, share)
    step = g * (sqrt(slots[1] + epsilon) / sqrt(a + epsilon))
    return w - rate * step, (a, averaged(slots[1], step * step, share))


@inherit_parameters
@dataclass(eq=False, repr=False)
class Adagrad(Optimizer):
    """Update by Adagrad in Keras' form, epsilon inside the root.

    a += g^2; w -= rate g / sqrt(a + epsilon). TensorFlow 1's AdagradOptimizer is ``Adagrad(epsilon=0)``.

    Parameters
    ----------
    initial_accumulator_value : float
        Number of at least 0 that a starts from.
    epsilon : float
        Number of at least 0 under or beside the root.

    References
    ----------
    Duchi, Hazan, Singer (2011), "Adaptive subgradient methods for online learning and stochastic optimization".
    """

    initial_accumulator_value: float = 0.1
    epsilon: float = 1e-7

    slot_names = ("sum_of_squares",)

    def __post_init__(self, *options):
        super().__post_init__(*options)
        self._expect_number("initial_accumulator_value", 0.0, math.inf)
        self._expect_number("epsilon", 0.0, math.inf)

    @property
    def slot_starts(self) -> dict[str, float]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return {"sum_of_squares": self.initial_accumulator_value}

    @property
    def formula(self) -> Formula:
        return epsilon_inside

    def constants(self, rate: float) -> tuple[float, ...]:
        return rate, self.epsilon


@inherit_parameters
@dataclass(eq=False, repr=False)
class TorchAdagrad(Adagrad):
    """Update by Adagrad in PyTorch's form, epsilon outside the root.

    a += g^2; w -= rate g / (sqrt(a) + epsilon). PyTorch's ``lr_decay`` is ``decay``.
    """

    initial_accumulator_value: float = 0.0
    epsilon: float = 1e-10

    default_learning_rate = 0.01

    @property
    def formula(self) -> Formula:
        return epsilon_outside


@inherit_parameters
@dataclass(eq=False, repr=False)
class Adadelta(Optimizer):
    """Update by Adadelta.

    a = rho a + (1 - rho) g^2; s = g sqrt(d + epsilon) / sqrt(a + epsilon); d = rho d + (1 - rho) s^2; w -= rate s. The
    paper has rate 1. PyTorch's defaults are ``Adadelta(1.0, rho=0.9, epsilon=1e-6)``.

    Parameters
    ----------
    rho : float
        Share that the averages keep in a step, in [0, 1).
    epsilon : float
        Number of at least 0 under the roots.

    References
    ----------
    Zeiler (2012), "ADADELTA: an adaptive learning rate method".
    """

    rho: float = 0.95
    epsilon: float = 1e-7

    slot_names = ("square", "square_of_steps")

    def __post_init__(self, *options):
        super().__post_init__(*options)
        self._expect_number("rho", 0.0, 1.0)
        self._expect_number("epsilon", 0.0, math.inf)

    @property
    def formula(self) -> Formula:
        return adadelta

    def constants(self, rate: float) -> tuple[float, ...]:
        """Return the rate, epsilon, and the share of new squares in the averages."""
        return rate, self.epsilon, 1.0 - self.rho
