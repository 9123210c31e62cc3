"""Learning rates that change with the steps: functions ``iterations -> rate``, the steps counted from 0.

Any such function can be an optimiser's ``learning_rate``; these four know how to show themselves.
"""

import math
from dataclasses import dataclass

import numpy as np

from ..errors import Checked, InputError


@dataclass(frozen=True)
class Schedule(Checked):
    """A rate that starts at ``initial_learning_rate``; subclasses define ``__call__(iterations) -> float``."""

    initial_learning_rate: float

    def __post_init__(self):
        for name, value in vars(self).items():
            good = isinstance(value, int | float | np.number) and not isinstance(value, bool)
            if not good or not 0 <= value < math.inf:
                raise InputError(f"{type(self).__name__}: expected {name} to be a number of at least 0, got {value!r}")
        if getattr(self, "decay_steps", 1) <= 0:
            raise InputError(f"{type(self).__name__}: expected decay_steps above 0, got {self.decay_steps!r}")

    def __call__(self, iterations):
        raise NotImplementedError


@dataclass(frozen=True)
class TimeDecay(Schedule):
    """rate / (1 + decay iterations): what Keras 2 makes of an optimiser's ``decay``."""

    decay: float

    def __call__(self, iterations):
        return self.initial_learning_rate / (1 + self.decay * iterations)


@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """rate decay_rate^(iterations / decay_steps)."""

    decay_steps: float
    decay_rate: float

    def __call__(self, iterations):
        return self.initial_learning_rate * self.decay_rate ** (iterations / self.decay_steps)


@dataclass(frozen=True)
class StepDecay(Schedule):
    """rate decay_rate^floor(iterations / decay_steps): every decay_steps steps it falls."""

    decay_steps: float
    decay_rate: float

    def __call__(self, iterations):
        return self.initial_learning_rate * self.decay_rate ** (iterations // self.decay_steps)


@dataclass(frozen=True)
class CosineDecay(Schedule):
    """From rate down to alpha rate along half a cosine of decay_steps steps, and constant from there.

    Over the first ``warmup_steps`` the rate rises evenly from 0; the cosine starts after them.
    Source: Loshchilov, Hutter 2017 (without restarts).
    """

    decay_steps: float
    alpha: float = 0.0
    warmup_steps: float = 0

    def __call__(self, iterations):
        if iterations < self.warmup_steps:
            return self.initial_learning_rate * iterations / self.warmup_steps
        done = min(1.0, (iterations - self.warmup_steps) / self.decay_steps)
        share = 0.5 * (1 + math.cos(math.pi * done))
        return self.initial_learning_rate * (self.alpha + (1 - self.alpha) * share)
