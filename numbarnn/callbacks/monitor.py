"""What callbacks share that watch a value."""

import math

from .base import Callback

# parts of names of values that should rise
RISING = ("acc", "top_k", "f1", "auc", "precision", "recall")


class Monitor(Callback):
    """Watch a value for its best.

    Parameters
    ----------
    monitor : str, default "val_loss"
        Name of the value in the epoch's logs.
    min_delta : float
        A change of at most this much is no improvement; neither is NaN.
    mode : {"auto", "min", "max"}, default "auto"
        Whether less is better or more. "auto" takes more as better if the name contains
        "acc", "top_k", "f1", "auc", "precision" or "recall".

    Attributes
    ----------
    best : float or None
        The best value so far.
    """

    remembered = ("best",)
    adds_values = False

    def __init__(self, monitor: str, min_delta: float, mode: str):
        if mode not in ("auto", "min", "max"):
            self._fail("mode to be 'auto', 'min' or 'max'", repr(mode))
        self.monitor, self.mode = monitor, mode
        self.min_delta = self._number("min_delta", min_delta)
        self.rises = mode == "max" or (mode == "auto" and any(part in str(monitor) for part in RISING))
        self.best = None

    def on_train_begin(self) -> None:
        if not self.logs_may_grow:
            self._expect_monitor(self.params["metrics"])
        self.best = None

    def improved(self, logs: dict[str, float]) -> bool:
        """Compare the epoch's value with the best so far, and keep the better one.

        Parameters
        ----------
        logs : dict
            {name: value} of the epoch.

        Returns
        -------
        bool
            Whether it is the best so far.
        """
        self._expect_monitor(logs)
        value, best = logs[self.monitor], self.best
        sign = 1 if self.rises else -1
        better = not math.isnan(value) and (best is None or sign * (value - best) > self.min_delta)
        if better:
            self.best = value
        return better

    def _expect_monitor(self, names):
        if self.monitor not in names:
            hint = " (there is no validation data)" if str(self.monitor).startswith("val_") else ""
            self._fail(f"monitor to be one of {', '.join(names)}", f"{self.monitor!r}{hint}")

    def _number(self, name, value, low=0, high=math.inf):
        if not low <= value < high:
            self._fail(f"{name} to be a number in [{low}, {high})", repr(value))
        return float(value)

    def _count(self, name, value):
        if value < 0:
            self._fail(f"{name} to be an integer of at least 0", repr(value))
        return int(value)
