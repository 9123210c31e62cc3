"""A forecaster makes up a series: it reads what it forecast, 300 values from 20 zeros (needs no files).

`generate_from_windows` is the notebook's loop, which reads the last 20 values anew for each next one; `generate` reads
one value more and keeps the state instead, and so remembers everything.
"""

import numpy as np

from .. import datasets
from ..models.generation import generate_from_windows
from . import forecasts
from .forecasts import FORMULA, TIMES, WINDOW, generate
from .series import BATCH_SIZE, EPOCHS, build, load

__all__ = ["BATCH_SIZE", "EPOCHS", "build", "figures", "generate", "load", "report"]

STEPS = 300


def by_windows(model):
    """300 values (300,), each the last forecast from the 20 values before."""
    return generate_from_windows(model, np.zeros((1, WINDOW, 1)), STEPS, window=WINDOW)[0, :, 0]


def by_state(model):
    """The same from the state, one step for each value."""
    return generate(model, None, STEPS, None, 0)[:, 0]


def report(model, x, y):
    lines = [forecasts.report(model, x, y), f"{STEPS} values made up from {WINDOW} zeros:"]
    for name, values in {"by windows": by_windows(model), "by state": by_state(model)}.items():
        turns = np.count_nonzero(np.diff(np.sign(np.diff(values))))
        lines.append(f"  {name}: from {values.min():.2f} to {values.max():.2f}, {turns} turns")
    series = datasets.sine_mixture()[:STEPS]
    turns = np.count_nonzero(np.diff(np.sign(np.diff(series))))
    return "\n".join([*lines, f"  the series itself: from {series.min():.2f} to {series.max():.2f}, {turns} turns"])


def figures(model, x, y):
    """What it makes up, under the series that it knows."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    parts = {
        f"The series {FORMULA}": datasets.sine_mixture()[:STEPS],
        "Made up, by windows": by_windows(model),
        "Made up, by state": by_state(model),
    }
    for axes, (title, values) in zip(figure.subplots(3, 1, sharex=True), parts.items(), strict=True):
        axes.plot(TIMES[:STEPS], values)
        axes.set(title=title, ylabel="f(t)")
    axes.set_xlabel("t")
    return forecasts.figures(model, x, y) | {"made_up.png": figure}
