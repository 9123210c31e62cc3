"""Activations with parameters, for cells and layers: `nr.LSTMCell(5, activation=nr.activations.LeakyReLU(0.3))`.

Those without parameters have names, which are the keys of `numbarnn.maths.ACTIVATIONS`, and so have these where their
parameters are the defaults: `LeakyReLU()` is "leaky_relu". The formulas stand in `numbarnn.maths`.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from . import maths
from .errors import InputError
from .utils.config import Configured
from .utils.options import changed_options

__all__ = [
    "CELU",
    "ELU",
    "Activation",
    "Affine",
    "HardShrink",
    "HardSigmoid",
    "LeakyReLU",
    "ScaledTanh",
    "SoftShrink",
    "Squareplus",
    "Threshold",
    "ThresholdedReLU",
]


@dataclass(frozen=True)
class Activation(Configured):
    """Base class of activations with parameters, and of those of one's own.

    A subclass is a frozen dataclass whose fields are the parameters, all numbers.

    Attributes
    ----------
    formula : staticmethod
        A function of x and the parameters, in what `Cell.forward` may use.
    positive, not_negative : tuple of str
        Parameters for which other numbers are refused.
    """

    formula: ClassVar[Callable[..., Any]]
    positive: ClassVar[tuple[str, ...]] = ()
    not_negative: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self):
        for name in (field.name for field in fields(self)):
            value = float(getattr(self, name))
            object.__setattr__(self, name, value)
            if name in self.positive and not value > 0:
                raise InputError(f"{type(self).__name__}: expected {name} above 0, got {value}")
            if name in self.not_negative and not value >= 0:
                raise InputError(f"{type(self).__name__}: expected {name} of at least 0, got {value}")

    @property
    def parameters(self) -> tuple[float, ...]:
        """The values of the parameters, in order."""
        return tuple(getattr(self, field.name) for field in fields(self))

    def __call__(self, x: Any) -> Any:
        """Compute the activation.

        Parameters
        ----------
        x : array_like
            Numbers of any shape.

        Returns
        -------
        array
            The value at each of them.
        """
        if hasattr(x, "activated"):  # a number of `autodiff`, which records what is computed
            return x.activated(self.formula, self.parameters)
        return self.formula(x, *self.parameters)


@dataclass(frozen=True)
class Affine(Activation):
    """Compute alpha x + beta, as ONNX' Affine.

    Parameters
    ----------
    alpha, beta : float
        Slope, and value at 0.
    """

    alpha: float
    beta: float
    formula = staticmethod(maths.affine)


@dataclass(frozen=True)
class CELU(Activation):
    """Compute x where x > 0, and alpha (exp(x / alpha) - 1) elsewhere.

    Parameters
    ----------
    alpha : float, default 1.0
        The limit for small x is -alpha; it is positive.

    References
    ----------
    Barron 2017, "Continuously differentiable exponential linear units".
    """

    alpha: float = 1.0
    formula, positive = staticmethod(maths.celu), ("alpha",)


@dataclass(frozen=True)
class ELU(Activation):
    """Compute x where x > 0, and alpha (exp(x) - 1) elsewhere.

    Parameters
    ----------
    alpha : float, default 1.0
        The limit for small x is -alpha; it is not negative.

    References
    ----------
    Clevert, Unterthiner, Hochreiter 2016, "Fast and accurate deep network learning by exponential linear units".
    """

    alpha: float = 1.0
    formula, not_negative = staticmethod(maths.elu), ("alpha",)


@dataclass(frozen=True)
class HardShrink(Activation):
    """Compute x where |x| > threshold, and 0 elsewhere.

    Parameters
    ----------
    threshold : float, default 0.5
        The largest |x| that gives 0.
    """

    threshold: float = 0.5
    formula = staticmethod(maths.hard_shrink)


@dataclass(frozen=True)
class HardSigmoid(Activation):
    """Compute clip(alpha x + beta, 0, 1), as ONNX' HardSigmoid; its defaults are "hard_sigmoid_keras2".

    Parameters
    ----------
    alpha : float, default 0.2
        Slope.
    beta : float, default 0.5
        Value at 0.
    """

    alpha: float = 0.2
    beta: float = 0.5
    formula = staticmethod(maths.hard_sigmoid_keras2)


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """Compute x where x > 0, and negative_slope x elsewhere.

    Parameters
    ----------
    negative_slope : float, default 0.2
        Slope where x < 0, ONNX' alpha; it is not negative. The default is that of TensorFlow and Keras.

    References
    ----------
    Maas, Hannun, Ng 2013, "Rectifier nonlinearities improve neural network acoustic models".
    """

    negative_slope: float = 0.2
    formula, not_negative = staticmethod(maths.leaky_relu), ("negative_slope",)


@dataclass(frozen=True)
class ScaledTanh(Activation):
    """Compute alpha tanh(beta x), as ONNX' ScaledTanh.

    Parameters
    ----------
    alpha, beta : float
        Scales of the value and of x; LeCun's are 1.7159 and 2/3.

    References
    ----------
    LeCun, Bottou, Orr, Mueller 1998, "Efficient BackProp".
    """

    alpha: float
    beta: float
    formula = staticmethod(maths.scaled_tanh)


@dataclass(frozen=True)
class SoftShrink(Activation):
    """Compute x - threshold where x > threshold, x + threshold where x < -threshold, and 0 elsewhere.

    Parameters
    ----------
    threshold : float, default 0.5
        The largest |x| that gives 0; it is not negative.
    """

    threshold: float = 0.5
    formula, not_negative = staticmethod(maths.soft_shrink), ("threshold",)


@dataclass(frozen=True)
class Squareplus(Activation):
    """Compute (x + sqrt(x^2 + b)) / 2.

    Parameters
    ----------
    b : float, default 4.0
        Smoothness; it is positive.

    References
    ----------
    Barron 2021, "Squareplus: a softplus-like algebraic rectifier".
    """

    b: float = 4.0
    formula, positive = staticmethod(maths.squareplus), ("b",)


@dataclass(frozen=True)
class Threshold(Activation):
    """Compute x where x > threshold, and default_value elsewhere.

    Parameters
    ----------
    threshold : float
        The largest x that gives the default value.
    default_value : float
        Value up to there.
    """

    threshold: float
    default_value: float
    formula = staticmethod(maths.threshold)


@dataclass(frozen=True)
class ThresholdedReLU(Activation):
    """Compute x where x > alpha, and 0 elsewhere, as ONNX' ThresholdedRelu.

    Parameters
    ----------
    alpha : float, default 1.0
        The largest x that gives 0.
    """

    alpha: float = 1.0
    formula = staticmethod(maths.thresholded_relu)


def check(caller: str, option: str, activation: Any) -> None:
    """Check that an option of a cell is an activation.

    Parameters
    ----------
    caller, option : str
        The names in the error.
    activation : object
        A name from `numbarnn.maths.ACTIVATIONS`, or an `Activation`.

    Raises
    ------
    InputError
        If it is neither.
    """
    known = isinstance(activation, str) and activation in maths.ACTIVATIONS
    if not known and not isinstance(activation, Activation):
        names = f"{', '.join(maths.ACTIVATIONS)}, and those with parameters in numbarnn.activations"
        raise InputError(f"{caller}: no {option} {activation!r}; there are {names}")


def function_of(activation: str | Activation) -> Callable[[Any], Any]:
    """Return the function of an activation.

    Parameters
    ----------
    activation : str or Activation
        A name from `numbarnn.maths.ACTIVATIONS`, or one with parameters.

    Returns
    -------
    callable
        The function of a number or an array.
    """
    return activation if isinstance(activation, Activation) else maths.ACTIVATIONS[activation][0]


def derivative_of(activation: str | Activation) -> Callable[[Any], Any] | None:
    """Return the derivative of an activation, a function of its value, as gradients written by hand use it.

    Parameters
    ----------
    activation : str or Activation
        A name from `numbarnn.maths.ACTIVATIONS`, or one with parameters.

    Returns
    -------
    callable or None
        The function for Numba; None if the value does not give the derivative, or if there are parameters.
    """
    return None if isinstance(activation, Activation) else maths.ACTIVATIONS[activation][1]


def named(activation: Any) -> Any:
    """Return the name of an activation with parameters that are the defaults of a name; else what is given.

    Parameters
    ----------
    activation : object
        An `Activation`, or anything else.

    Returns
    -------
    object
        The name, or what is given.
    """
    if isinstance(activation, Activation) and not changed_options(activation):
        name = activation.formula.__name__
        return name if name in maths.ACTIVATIONS else activation
    return activation


def spelled_out(activation: str | Activation) -> str | Activation:
    """Return an activation with its parameters, if it has any: the inverse of `named`.

    Parameters
    ----------
    activation : str or Activation
        A name, or one with parameters.

    Returns
    -------
    str or Activation
        "leaky_relu" as `LeakyReLU(0.2)`; what is given, if it has no parameters.
    """
    kinds = (globals()[name] for name in __all__ if name != "Activation")
    return next((kind() for kind in kinds if kind.formula.__name__ == activation), activation)


def __dir__():
    return __all__
