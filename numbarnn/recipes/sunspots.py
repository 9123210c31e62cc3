"""Sunspots one year ahead, over three centuries: GRU(32) beside "as the year before" (--data DIR)."""

from typing import Any

import numpy as np

from .. import datasets, layers, losses, optimizers
from ..models.sequential import Sequential
from .forecasts import against_truth

READS = "sunspots"
EPOCHS = 100
BATCH_SIZE = 16
# three cycles of the Sun
WINDOW = 33
# 1929 to 2008
TEST_YEARS = 80
# the largest number is 190.2, its root 13.8
SCALE = 14.0


def load(data: str | None, dtype: str) -> tuple[tuple, ...]:
    """Load windows of 33 years, with targets one year later; those that end in the last 80 years are for testing.

    The report uses the last step of these. The roots of the numbers, scaled to [0, 1], vary about as much in strong
    cycles as in weak ones.
    """
    _, numbers = datasets.sunspots(data)
    x, y = datasets.make_windows((np.sqrt(numbers) / SCALE).astype(dtype), WINDOW, stride=1)
    return (x[:-TEST_YEARS], y[:-TEST_YEARS]), (x[-TEST_YEARS:], y[-TEST_YEARS:])


def build(seed: int, dtype: str) -> Sequential:
    """Build a GRU of 32 units that forecasts every step."""
    chain = [layers.Input((None, 1)), layers.GRU(32, return_sequences=True), layers.Dense(1)]
    model = Sequential(chain, seed=seed, dtype=dtype)
    model.compile(optimizer=optimizers.Adam(2e-3), loss=losses.MeanSquaredError())
    return model


def sunspots(windows: np.ndarray) -> np.ndarray:
    """Convert the last step of windows back to numbers of sunspots (years,)."""
    return (SCALE * np.maximum(windows[:, -1, 0], 0)) ** 2


def report(model: Sequential, x: np.ndarray, y: np.ndarray) -> str:
    """Compare the error with that of the forecast "as the year before"."""
    truth = sunspots(y)
    lines = [f"{len(truth)} test years, root of the mean squared error in sunspots a year"]
    for name, forecast in (("network", model.predict(x)), ("as the year before", x)):
        lines.append(f"  {name}: {np.sqrt(np.mean((sunspots(forecast) - truth) ** 2)):.1f}")
    return "\n".join(lines)


def figures(model: Sequential, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Plot forecasts and sunspot numbers of the test years."""
    years = np.arange(2009 - len(y), 2009)
    figure = against_truth(years, sunspots(y), years, sunspots(model.predict(x)))
    figure.axes[0].set(
        title="Sunspots, forecast one year ahead", xlabel="year", ylabel="sunspot number, mean of the year"
    )
    return {"forecast.png": figure}
