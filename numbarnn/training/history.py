"""What `Sequential.fit` returns."""

from ..errors import InputError


class History:
    """The course of a training run.

    ``history.epoch`` lists the epochs, counted from 0, ``history.history`` holds one list of values for each key:
    "loss", every metric under the name that was given to `compile`, the same with "val_" in front where there was
    validation, and what callbacks added.
    """

    def __init__(self):
        self.epoch = []
        self.history = {}

    def append(self, epoch, values):
        """Add an epoch's values, {key: float}."""
        self.epoch.append(epoch)
        for key, value in values.items():
            self.history.setdefault(key, []).append(value)

    def plot(self):
        """Draw one figure for each metric and one for the loss: training as dots, validation as a line.

        Needs matplotlib (the extra "plot"). Returns the list of figures; ``matplotlib.pyplot.show()`` shows them.
        """
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            raise ImportError("History.plot needs matplotlib: pip install 'numbarnn[plot]'") from error
        if not self.epoch:
            raise InputError("History.plot: expected at least one epoch, got none")
        keys = [key for key in self.history if not key.startswith("val_")]
        return [self._figure(plt, key) for key in (*keys[1:], keys[0])]

    def _figure(self, plt, key):
        figure, axes = plt.subplots()
        axes.plot(self.epoch, self.history[key], "bo", label=f"Training {key}")
        if f"val_{key}" in self.history:
            axes.plot(self.epoch, self.history[f"val_{key}"], "b", label=f"Validation {key}")
        axes.set_title(f"Training and validation {key}" if f"val_{key}" in self.history else f"Training {key}")
        axes.set_xlabel("epoch")
        axes.legend()
        return figure

    def __repr__(self):
        return f"History({len(self.epoch)} epochs of {', '.join(self.history)})"
