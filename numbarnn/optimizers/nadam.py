"""Adam with Nesterov's momentum (Dozat 2016), with the constants of Keras and of PyTorch."""

import math
from dataclasses import KW_ONLY, dataclass

from numba.extending import register_jitable

from ..maths import sqrt
from ..utils.docs import inherit_parameters
from .adam import Adam
from .base import Formula, averaged


@register_jitable
def nadam(w, g, slots, constants):
    of_mean, of_gradient, correction, epsilon, share_1, share_2 = constants
    m, v = averaged(slots[0], g, share_1), averaged(slots[1], g * g, share_2)
    return w - (of_mean * m + of_gradient * g) / (sqrt(correction * v) + epsilon), (m, v)


@inherit_parameters
@dataclass(eq=False, repr=False)
class Nadam(Adam):
    """Update by Adam with Nesterov's momentum, as Keras does.

    With u_t = beta_1 (1 - 0.96^(t momentum_decay) / 2), U_t = u_1 ... u_t, and m and v as in `Adam`:
    w -= rate (u_{t+1} m / (1 - U_{t+1}) + (1 - u_t) g / (1 - U_t)) / (sqrt(v / (1 - beta_2^t)) + epsilon).

    Parameters
    ----------
    momentum_decay : float, default 1.0
        How fast the momentum u grows from beta_1 / 2 to beta_1; a number of at least 0.

    References
    ----------
    Dozat (2016), "Incorporating Nesterov momentum into Adam".
    """

    _: KW_ONLY
    momentum_decay: float = 1.0

    def __post_init__(self, *options):
        super().__post_init__(*options)
        self._expect_number("momentum_decay", 0.0, math.inf)
        # t and U_t, as far as it is known
        self._product = 0, 1.0

    @property
    def formula(self) -> Formula:
        return nadam

    def constants(self, rate: float) -> tuple[float, ...]:
        """Compute the shares of m and of g in the step, what corrects v, epsilon, and the shares of g and g^2."""
        t = self.iterations
        now, following, product = self._momentum(t), self._momentum(t + 1), self._product_of_momenta(t)
        of_mean = rate * following / (1.0 - product * following)
        of_gradient = rate * (1.0 - now) / (1.0 - product)
        return of_mean, of_gradient, 1.0 / (1.0 - self.beta_2**t), self.epsilon, 1.0 - self.beta_1, 1.0 - self.beta_2

    def _momentum(self, t):
        return self.beta_1 * (1.0 - 0.5 * 0.96 ** (t * self.momentum_decay))

    def _product_of_momenta(self, t):
        known, product = self._product if self._product[0] <= t else (0, 1.0)
        for step in range(known + 1, t + 1):
            product *= self._momentum(step)
        self._product = t, product
        return product


@inherit_parameters
@dataclass(eq=False, repr=False)
class TorchNAdam(Nadam):
    """Update as PyTorch's NAdam does: `Nadam` with its constants."""

    epsilon: float = 1e-8
    _: KW_ONLY
    momentum_decay: float = 0.004

    default_learning_rate = 0.002
