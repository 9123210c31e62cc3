"""Learning rates that change from epoch to epoch; for every step there are `nr.optimizers` schedules."""

import inspect
import math
from collections.abc import Callable

import numpy as np

from ..utils.docs import inherit_parameters
from .base import Callback
from .monitor import Monitor


class LearningRateScheduler(Callback):
    """Set the learning rate of each epoch; the logs have it as "learning_rate".

    Parameters
    ----------
    schedule : callable
        A function ``(epoch)`` or ``(epoch, rate so far)`` that returns the rate, a number of at least 0.

    Raises
    ------
    InputError
        ``schedule`` is no function or returns no such number, or the optimiser's rate follows a schedule already.
    """

    def __init__(self, schedule: Callable[..., float]):
        if not callable(schedule):
            self._fail("a function schedule(epoch) or schedule(epoch, rate)", repr(schedule))
        self.schedule = schedule
        self.takes_rate = _takes_two(schedule)

    def on_train_begin(self) -> None:
        expect_number(self)

    def on_epoch_begin(self, epoch: int) -> None:
        optimizer = self.model.optimizer
        rate = self.schedule(epoch, optimizer.learning_rate) if self.takes_rate else self.schedule(epoch)
        if not isinstance(rate, int | float | np.number) or not 0 <= rate < math.inf:
            self._fail("schedule to give a number of at least 0", repr(rate))
        optimizer.learning_rate = float(rate)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        logs["learning_rate"] = self.model.optimizer.learning_rate


@inherit_parameters
class ReduceLROnPlateau(Monitor):
    """Reduce the learning rate after some epochs in a row without improvement; the logs have it as "learning_rate".

    Parameters
    ----------
    factor : float, default 0.1
        Number in [0, 1) by which the rate is multiplied.
    patience : int, default 10
        Number of epochs without improvement; 0 counts as 1.
    cooldown : int, default 0
        Number of epochs after a reduction in which nothing is counted.
    min_lr : float, default 0.0
        The rate never falls below it.

    Raises
    ------
    InputError
        An option is unknown or out of its range; or, when training begins, nothing of the name ``monitor`` is measured
        or the optimiser's rate follows a schedule already.
    """

    remembered = ("best", "wait", "cooling")
    # "learning_rate"; see `Callback`
    adds_values = True

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        *,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ):
        super().__init__(monitor, min_delta, mode)
        self.wait = self.cooling = 0
        self.factor = self._number("factor", factor, 0, 1)
        self.patience = self._count("patience", patience)
        self.cooldown = self._count("cooldown", cooldown)
        self.min_lr = self._number("min_lr", min_lr)

    def on_train_begin(self) -> None:
        super().on_train_begin()
        expect_number(self)
        self.wait = self.cooling = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        optimizer = self.model.optimizer
        logs["learning_rate"] = optimizer.learning_rate
        improved = self.improved(logs)
        if self.cooling or improved:
            self.wait, self.cooling = 0, max(0, self.cooling - 1)
            return
        self.wait += 1
        if self.wait >= max(1, self.patience):
            optimizer.learning_rate = max(self.min_lr, optimizer.learning_rate * self.factor)
            self.wait, self.cooling = 0, self.cooldown


def expect_number(callback: Callback) -> None:
    """Refuse an optimiser whose rate follows a schedule already."""
    rate = callback.model.optimizer.learning_rate
    if callable(rate):
        callback._fail("an optimizer whose learning_rate is a number", repr(rate))


def _takes_two(function):
    try:
        inspect.signature(function).bind(0, 0.0)
    except (TypeError, ValueError):
        return False
    return True
