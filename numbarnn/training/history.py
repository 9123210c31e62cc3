"""What `Sequential.fit` returns."""

from html import escape
from itertools import zip_longest
from typing import Any

from ..errors import InputError
from ..utils.figures import legend_below


class History:
    """The course of a training run.

    Attributes
    ----------
    epoch : list of int
        The epochs, counted from 0.
    history : dict
        A list with a value for each epoch under each key: "loss", every metric under the name that was given to
        `compile`, the same with "val_" in front if there was validation, and what callbacks added.
    """

    def __init__(self):
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}

    def append(self, epoch: int, values: dict[str, float]) -> None:
        """Add the values of an epoch.

        Parameters
        ----------
        epoch : int
            Its number, from 0.
        values : dict
            {key: float}.
        """
        self.epoch.append(epoch)
        for key, value in values.items():
            self.history.setdefault(key, []).append(value)

    def plot(self) -> list[Any]:
        """Draw one figure for each metric and one for the loss: training as dots, validation as a line.

        Returns
        -------
        list of matplotlib.figure.Figure
            The figures; ``matplotlib.pyplot.show()`` shows them.

        Raises
        ------
        InputError
            There is no epoch.
        ImportError
            matplotlib is missing (the extra "plot").
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

    def _repr_html_(self) -> str:
        """Write a row for each epoch, counted from 1 as `fit` prints them, and a column for each value."""
        head = "".join(f"<th>{escape(key)}</th>" for key in ("epoch", *self.history))
        columns = [[f"{epoch + 1}" for epoch in self.epoch]]
        columns += [[f"{value:.4g}" for value in values] for values in self.history.values()]
        rows = ["".join(f"<td>{cell}</td>" for cell in row) for row in zip_longest(*columns, fillvalue="")]
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

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
        # a line through one point would not be seen
        style = "-" if len(epochs) > 1 else "x"
        axes.plot(epochs, history.history[f"val_{key}"], style, color=color, label=validation)


def finish_curves(axes, key):
    """Name the axes of curves, mark whole epochs, and put the legend where no curve is."""
    axes.set(xlabel="epoch", ylabel=key)
    axes.locator_params(axis="x", integer=True, min_n_ticks=1)
    legend_below(axes)
