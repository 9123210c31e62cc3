"""Adam (Kingma, Ba 2015) and its relatives, with epsilon where TensorFlow and Keras have it, or where PyTorch does."""

import math
from dataclasses import dataclass

from numba.extending import register_jitable

from ..maths import sqrt, where_less
from ..utils.docs import inherit_parameters
from .base import Formula, Optimizer, averaged


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


@inherit_parameters
@dataclass(eq=False, repr=False)
class Adam(Optimizer):
    """Update by Adam in Keras' form, which is TensorFlow 1's with another epsilon.

    m = beta_1 m + (1 - beta_1) g and v = beta_2 v + (1 - beta_2) g^2, then
    w -= rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon).

    Parameters
    ----------
    beta_1, beta_2 : float
        Shares that the averages of g and g^2 keep in a step, in [0, 1).
    epsilon : float
        Number of at least 0 beside the root.

    References
    ----------
    Kingma, Ba (2015), "Adam: a method for stochastic optimization".
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
    def formula(self) -> Formula:
        return adam

    def constants(self, rate: float) -> tuple[float, ...]:
        """Compute the corrected rate, epsilon beside sqrt(v), and the shares of g and g^2 in the averages."""
        corrected = rate * self._root() / (1.0 - self.beta_1**self.iterations)
        return corrected, self._epsilon(), 1.0 - self.beta_1, 1.0 - self.beta_2

    def _root(self):
        return math.sqrt(1.0 - self.beta_2**self.iterations)

    def _epsilon(self):
        return self.epsilon


@inherit_parameters
@dataclass(eq=False, repr=False)
class TF1Adam(Adam):
    """Update as TensorFlow 1's AdamOptimizer does: `Adam` with its epsilon."""

    epsilon: float = 1e-8


@inherit_parameters
@dataclass(eq=False, repr=False)
class TorchAdam(Adam):
    """Update by Adam in PyTorch's form, Algorithm 1 of the paper.

    w -= rate (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon). That is Keras' form with epsilon times
    sqrt(1 - beta_2^t).

    References
    ----------
    Kingma, Ba (2015), "Adam: a method for stochastic optimization".
    """

    epsilon: float = 1e-8

    def _epsilon(self):
        return self.epsilon * self._root()


@inherit_parameters
@dataclass(eq=False, repr=False)
class AMSGrad(Adam):
    """Update by `Adam` with the largest v so far instead of v: Keras' ``Adam(amsgrad=True)``.

    References
    ----------
    Reddi, Kale, Kumar (2018), "On the convergence of Adam and beyond".
    """

    slot_names = ("mean", "square", "greatest_square")

    @property
    def formula(self) -> Formula:
        return amsgrad


@inherit_parameters
@dataclass(eq=False, repr=False)
class TorchAMSGrad(AMSGrad, TorchAdam):
    """Update as PyTorch's ``Adam(amsgrad=True)`` does: `AMSGrad` with epsilon as in `TorchAdam`."""

    epsilon: float = 1e-8


@inherit_parameters
@dataclass(eq=False, repr=False)
class AdamW(Adam):
    """Let weights decay, w -= rate weight_decay w, then update by `Adam`.

    Parameters
    ----------
    weight_decay : float
        Decay of at least 0.

    References
    ----------
    Loshchilov, Hutter (2019), "Decoupled weight decay regularization".
    """

    weight_decay: float = 0.004

    def __post_init__(self, *options):
        super().__post_init__(*options)
        self._expect_number("weight_decay", 0.0, math.inf)

    @property
    def formula(self) -> Formula:
        return decaying_adam

    def constants(self, rate: float) -> tuple[float, ...]:
        """Compute those of `Adam`, and the share that is left of a weight."""
        return *super().constants(rate), 1.0 - rate * self.weight_decay


@inherit_parameters
@dataclass(eq=False, repr=False)
class TorchAdamW(AdamW, TorchAdam):
    """Update as PyTorch's AdamW does: weights decay, then `TorchAdam`."""

    epsilon: float = 1e-8
    weight_decay: float = 0.01
