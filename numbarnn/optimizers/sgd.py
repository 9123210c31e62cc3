"""Gradient descent with momentum, in three forms: equal while the rate is constant, different when it changes."""

from dataclasses import KW_ONLY, dataclass

from numba.extending import register_jitable

from ..errors import InputError
from ..utils.docs import inherit_parameters
from .base import Formula, Optimizer


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


@inherit_parameters
@dataclass(eq=False, repr=False)
class SGD(Optimizer):
    """Update by gradient descent in Keras' form, the rate inside the velocity.

    v = momentum v - rate g; w += v, or (Nesterov) w += momentum v - rate g.

    Parameters
    ----------
    momentum : float
        Share of the velocity that remains in a step, in [0, 1).
    nesterov : bool, default False
        Whether the step looks ahead along the velocity.
    """

    momentum: float = 0.0
    nesterov: bool = False

    default_learning_rate = 0.01

    def __post_init__(self, *options):
        super().__post_init__(*options)
        self._expect_number("momentum", 0.0, 1.0)

    @property
    def slot_names(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return ("velocity",) if self.momentum else ()

    @property
    def formula(self) -> Formula:
        if not self.momentum:
            return descent
        return ahead_of_velocity if self.nesterov else with_velocity

    def constants(self, rate: float) -> tuple[float, ...]:
        return (rate, self.momentum) if self.momentum else (rate,)


@inherit_parameters
@dataclass(eq=False, repr=False)
class TF1Momentum(Optimizer):
    """Update as TensorFlow 1's MomentumOptimizer does.

    a = momentum a + g; w -= rate a, or (Nesterov) w -= rate (g + momentum a).

    Parameters
    ----------
    momentum : float
        Share of the sum of gradients that remains in a step, in [0, 1).
    nesterov : bool, default False
        Whether the step looks ahead along the sum.
    """

    momentum: float = 0.9
    nesterov: bool = False

    slot_names = ("sum",)
    default_learning_rate = 0.01

    def __post_init__(self, *options):
        super().__post_init__(*options)
        self._expect_number("momentum", 0.0, 1.0)

    @property
    def formula(self) -> Formula:
        return ahead_of_sum if self.nesterov else with_sum

    def constants(self, rate: float) -> tuple[float, ...]:
        return rate, self.momentum, self._share_of_gradient()

    def _share_of_gradient(self):
        return 1.0


@inherit_parameters
@dataclass(eq=False, repr=False)
class TorchSGD(TF1Momentum):
    """Update by gradient descent in PyTorch's form: `TF1Momentum`, to which dampening is added.

    Parameters
    ----------
    dampening : float, default 0.0
        All gradients but the first enter a times 1 - dampening, in [0, 1).
    """

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
