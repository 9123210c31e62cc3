"""Learning rates that change from epoch to epoch; for every step there are `nr.optimizers` schedules."""

import inspect
import math

import numpy as np

from .base import Callback
from .monitor import Monitor


class LearningRateScheduler(Callback):
    """Sets the rate of each epoch to ``schedule(epoch)`` or ``schedule(epoch, rate so far)``.

    It stands in the epoch's logs as "learning_rate".
    """

    def __init__(self, schedule):
        if not callable(schedule):
            self._fail("a function schedule(epoch) or schedule(epoch, rate)", repr(schedule))
        self.schedule = schedule
        self.takes_rate = _takes_two(schedule)

    def on_train_begin(self):
        expect_number(self)

    def on_epoch_begin(self, epoch):
        optimizer = self.model.optimizer
        rate = self.schedule(epoch, optimizer.learning_rate) if self.takes_rate else self.schedule(epoch)
        if not isinstance(rate, int | float | np.number) or not 0 <= rate < math.inf:
            self._fail("schedule to give a number of at least 0", repr(rate))
        optimizer.learning_rate = float(rate)

    def on_epoch_end(self, epoch, logs):
        logs["learning_rate"] = self.model.optimizer.learning_rate


class ReduceLROnPlateau(Monitor):
    """Multiplies the rate by ``factor`` after ``patience`` epochs in a row without improvement (see `Monitor`).

    It never falls below ``min_lr``; for ``cooldown`` epochs after that nothing is counted. The rate of each epoch
    stands in its logs as "learning_rate".
    """

    remembered = ("best", "wait", "cooling")
    adds_values = True  # "learning_rate"

    def __init__(
        self, monitor="val_loss", factor=0.1, patience=10, *, mode="auto", min_delta=1e-4, cooldown=0, min_lr=0.0
    ):
        super().__init__(monitor, min_delta, mode)
        self.wait = self.cooling = 0
        self.factor = self._number("factor", factor, 0, 1)
        self.patience = self._count("patience", patience)
        self.cooldown = self._count("cooldown", cooldown)
        self.min_lr = self._number("min_lr", min_lr)

    def on_train_begin(self):
        super().on_train_begin()
        expect_number(self)
        self.wait = self.cooling = 0

    def on_epoch_end(self, epoch, logs):
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


def expect_number(callback):
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
