"""The sine mixture in 39 windows end to end: a Keras notebook with its error corrected (needs no files).

In the notebook the layer returns its last output only, (batch, 1), and the loss broadcasts it to the 20 targets of a
window: the network learns the mean of the window. Here `return_sequences` makes a prediction for each target, as the
text of the notebook intends; losses of numbarnn refuse shapes that differ. 30 epochs are 30 updates; 1000 reduce the
error to a tenth.
"""

from typing import Any

import numpy as np

from .. import datasets, losses
from ..models.sequential import Sequential
from ..training.history import History
from .forecasts import FORMULA, TIMES, WINDOW, against_truth, generate, report
from .series import build as series_model

__all__ = ["BATCH_SIZE", "EPOCHS", "build", "figures", "fit", "generate", "load", "report"]

EPOCHS = 30
BATCH_SIZE = 32


def load(data: str | None, dtype: str) -> tuple[tuple, ...]:
    """Cut the series into 39 windows that do not overlap; a random fifth of them, eight, is for testing."""
    x, y = datasets.make_windows(datasets.sine_mixture().astype(dtype), WINDOW)
    test, train = drawn(len(x))
    return (x[train], y[train]), (x[test], y[test])


def drawn(windows: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the numbers of the windows to test on; return these and the others."""
    order = np.random.default_rng(0).permutation(windows)
    return order[:8], order[8:]


def build(seed: int, dtype: str) -> Sequential:
    """Build the network of `series` with Keras' defaults."""
    model = series_model(seed, dtype)
    model.compile(optimizer="adam", loss=losses.MeanSquaredError())
    return model


def fit(
    model: Sequential, train: tuple, test: tuple, epochs: int, batch_size: int, seed: int, **options: Any
) -> History:
    """Train on the windows in their order."""
    options |= {"validation_data": test, "shuffle": False}
    return model.fit(*train, batch_size=batch_size, epochs=epochs, **options)


def figures(model: Sequential, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Plot the whole series, and the forecasts of every step of the test windows at their times."""
    series = datasets.sine_mixture()
    test, _ = drawn((len(series) - 1) // WINDOW)
    targets = test[: len(x), None] * WINDOW + np.arange(1, WINDOW + 1)
    figure = against_truth(TIMES, series, TIMES[targets].ravel(), model.predict(x).ravel())
    figure.axes[0].set(title=f"One-step forecasts of {FORMULA} in the test windows", xlabel="t", ylabel="f(t)")
    return {"forecast.png": figure}
