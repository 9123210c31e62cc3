"""Learning rates that change with the steps: functions ``iterations -> rate``, the steps counted from 0.

Any such function can be an optimiser's ``learning_rate``; these four know how to show themselves.
"""

import math
from dataclasses import dataclass

from ..errors import InputError
from ..utils.config import Configured
from ..utils.docs import inherit_parameters


@inherit_parameters
@dataclass(frozen=True)
class Schedule(Configured):
    """Base class of learning rates that depend on the step; subclasses define ``__call__``.

    Parameters
    ----------
    initial_learning_rate : float
        The rate of the first step.

    Raises
    ------
    InputError
        A number is negative, or out of its range.
    """

    initial_learning_rate: float

    def __post_init__(self):
        for name, value in vars(self).items():
            if value < 0:
                raise InputError(f"{type(self).__name__}: expected {name} to be a number of at least 0, got {value!r}")
        decay_steps = getattr(self, "decay_steps", 1)
        if decay_steps <= 0:
            raise InputError(f"{type(self).__name__}: expected decay_steps above 0, got {decay_steps!r}")

    def __call__(self, iterations: int) -> float:
        """Compute the rate.

        Parameters
        ----------
        iterations : int
            Number of steps made so far.

        Returns
        -------
        float
            The rate of the next step.
        """
        raise NotImplementedError


@inherit_parameters
@dataclass(frozen=True)
class TimeDecay(Schedule):
    """Let the rate fall as rate / (1 + decay iterations), as Keras 2 does with an optimiser's ``decay``.

    Parameters
    ----------
    decay : float
        Number of at least 0.
    """

    decay: float

    def __call__(self, iterations: int) -> float:
        return self.initial_learning_rate / (1 + self.decay * iterations)


@inherit_parameters
@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """Let the rate fall as rate decay_rate^(iterations / decay_steps).

    Parameters
    ----------
    decay_steps : float
        Number of steps, above 0, in which the rate falls by ``decay_rate``.
    decay_rate : float
        Factor of at least 0.
    """

    decay_steps: float
    decay_rate: float

    def __call__(self, iterations: int) -> float:
        return self.initial_learning_rate * self.decay_rate ** (iterations / self.decay_steps)


@inherit_parameters
@dataclass(frozen=True)
class StepDecay(Schedule):
    """Let the rate fall at intervals: rate decay_rate^floor(iterations / decay_steps).

    Parameters
    ----------
    decay_steps : float
        Number of steps, above 0, after which the rate falls by ``decay_rate``.
    decay_rate : float
        Factor of at least 0.
    """

    decay_steps: float
    decay_rate: float

    def __call__(self, iterations: int) -> float:
        return self.initial_learning_rate * self.decay_rate ** (iterations // self.decay_steps)


@inherit_parameters
@dataclass(frozen=True)
class CosineDecay(Schedule):
    """Let the rate fall along half a cosine.

    Parameters
    ----------
    decay_steps : float
        Length of the cosine in steps, above 0; the rate is constant after it.
    alpha : float, default 0.0
        Share of the rate that is left in the end.
    warmup_steps : float, default 0
        Number of steps before the cosine, in which the rate rises evenly from 0.

    References
    ----------
    Loshchilov, Hutter (2017), "SGDR: stochastic gradient descent with warm restarts" (without restarts).
    """

    decay_steps: float
    alpha: float = 0.0
    warmup_steps: float = 0

    def __call__(self, iterations: int) -> float:
        if iterations < self.warmup_steps:
            return self.initial_learning_rate * iterations / self.warmup_steps
        done = min(1.0, (iterations - self.warmup_steps) / self.decay_steps)
        share = 0.5 * (1 + math.cos(math.pi * done))
        return self.initial_learning_rate * (self.alpha + (1 - self.alpha) * share)
