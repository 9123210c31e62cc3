"""A forecaster makes up a series: it reads its own forecasts, 300 values from 20 zeros (needs no files).

`generate_from_windows` is the loop of the notebook, which reads the last 20 values again for each next one. `generate`
keeps the state and reads one value more, so that it remembers the whole series.
"""

from typing import Any

import numpy as np

from .. import datasets
from ..models.generation import generate_from_windows
from ..models.sequential import Sequential
from . import forecasts
from .forecasts import FORMULA, TIMES, WINDOW, generate
from .series import BATCH_SIZE, EPOCHS, build, load

__all__ = ["BATCH_SIZE", "EPOCHS", "build", "figures", "generate", "load", "report"]

STEPS = 300


def by_windows(model: Sequential) -> np.ndarray:
    """Make up 300 values (300,), each from the 20 values before."""
    return generate_from_windows(model, np.zeros((1, WINDOW, 1)), STEPS, window=WINDOW)[0, :, 0]


def by_state(model: Sequential) -> np.ndarray:
    """Make up 300 values (300,), each by one step from the state."""
    return generate(model, None, STEPS, None, 0)[:, 0]


def report(model: Sequential, x: np.ndarray, y: np.ndarray) -> str:
    """Report the forecasts, and the range and turning points of the values that it makes up."""
    lines = [forecasts.report(model, x, y), f"{STEPS} values made up from {WINDOW} zeros:"]
    for name, values in {"by windows": by_windows(model), "by state": by_state(model)}.items():
        turns = np.count_nonzero(np.diff(np.sign(np.diff(values))))
        lines.append(f"  {name}: from {values.min():.2f} to {values.max():.2f}, {turns} turns")
    series = datasets.sine_mixture()[:STEPS]
    turns = np.count_nonzero(np.diff(np.sign(np.diff(series))))
    return "\n".join([*lines, f"  the series itself: from {series.min():.2f} to {series.max():.2f}, {turns} turns"])


def figures(model: Sequential, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Plot the series that it learned, and the values that it makes up."""
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
