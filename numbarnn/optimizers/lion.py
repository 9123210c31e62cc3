"""Lion (Chen and others 2023): steps of one size, in the direction of a momentum."""

import math
from dataclasses import dataclass

from numba.extending import register_jitable

from ..maths import where_less, zero
from ..utils.docs import inherit_parameters
from .base import Formula, Optimizer


@register_jitable
def lion(w, g, slots, constants):
    rate, kept, beta_1, share_1, beta_2, share_2 = constants
    ahead = beta_1 * slots[0] + share_1 * g
    none = zero(w)
    step = where_less(none, ahead, none + rate, where_less(ahead, none, none - rate, none))
    return kept * w - step, (beta_2 * slots[0] + share_2 * g,)


@inherit_parameters
@dataclass(eq=False, repr=False)
class Lion(Optimizer):
    """Update by the sign of a momentum.

    w -= rate (sign(beta_1 m + (1 - beta_1) g) + weight_decay w), then m = beta_2 m + (1 - beta_2) g.

    Parameters
    ----------
    beta_1, beta_2 : float
        Shares of m in the step and in the next m, in [0, 1).
    weight_decay : float
        Decay of at least 0.

    References
    ----------
    Chen and others (2023), "Symbolic discovery of optimization algorithms".
    """

    beta_1: float = 0.9
    beta_2: float = 0.99
    weight_decay: float = 0.0

    slot_names = ("mean",)

    def __post_init__(self, *options):
        super().__post_init__(*options)
        self._expect_number("beta_1", 0.0, 1.0)
        self._expect_number("beta_2", 0.0, 1.0)
        self._expect_number("weight_decay", 0.0, math.inf)

    @property
    def formula(self) -> Formula:
        return lion

    def constants(self, rate: float) -> tuple[float, ...]:
        """Return the rate, the share that is left of a weight, and the shares of m and g in the step and in m."""
        kept = 1.0 - rate * self.weight_decay
        return rate, kept, self.beta_1, 1.0 - self.beta_1, self.beta_2, 1.0 - self.beta_2
