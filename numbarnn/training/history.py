"""What `Sequential.fit` returns."""

from ..errors import InputError
from ..utils.figures import legend_below


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
        figure, axes = plt.subplots(layout="constrained")
        draw_curves(axes, key, self, self.epoch, "b", (f"Training {key}", f"Validation {key}"))
        axes.set_title(f"Training and validation {key}" if f"val_{key}" in self.history else f"Training {key}")
        finish_curves(axes, key)
        return figure

    def __repr__(self):
        return f"History({len(self.epoch)} epochs of {', '.join(self.history)})"


def draw_curves(axes, key, history, epochs, color, labels):
    """Draw a value of each epoch: those of the training as dots, those of the validation as a line.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    key : str
        A key of ``history.history``, such as "loss".
    history : History
        The course of a training run.
    epochs : sequence of int
        The number of each epoch.
    color : str
        A color of matplotlib.
    labels : pair of str
        Names in the legend of the training and of the validation.
    """
    training, validation = labels
    axes.plot(epochs, history.history[key], "o", color=color, markersize=4, label=training)
    if f"val_{key}" in history.history:
        style = "-" if len(epochs) > 1 else "x"  # a line through one point would not be seen
        axes.plot(epochs, history.history[f"val_{key}"], style, color=color, label=validation)


def finish_curves(axes, key):
    """Name the axes of curves, mark whole epochs, and put the legend where no curve is."""
    axes.set(xlabel="epoch", ylabel=key)
    axes.locator_params(axis="x", integer=True, min_n_ticks=1)
    legend_below(axes)
