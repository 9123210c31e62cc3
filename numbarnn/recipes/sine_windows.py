"""The sine mixture in 39 windows end to end: a Keras notebook with its error put right (needs no files).

There the layer gives its last output only, (batch, 1), and the loss spreads it over the 20 targets of a window: the
network learns the window's mean. Here `return_sequences` gives each target its own prediction, as the text there has
it; losses of numbarnn refuse shapes that differ. 30 epochs are 30 updates, and 1000 bring the error down to a tenth.
"""

import numpy as np

from .. import datasets, losses
from .forecasts import FORMULA, TIMES, WINDOW, against_truth, generate, report
from .series import build as series_model

__all__ = ["BATCH_SIZE", "EPOCHS", "build", "figures", "fit", "generate", "load", "report"]

EPOCHS = 30
BATCH_SIZE = 32


def load(data, dtype):
    """39 windows that do not overlap; a random fifth of them, eight, to test on."""
    x, y = datasets.make_windows(datasets.sine_mixture().astype(dtype), WINDOW)
    test, train = drawn(len(x))
    return (x[train], y[train]), (x[test], y[test])


def drawn(windows):
    """The numbers of the windows to test on, and of those to train on."""
    order = np.random.default_rng(0).permutation(windows)
    return order[:8], order[8:]


def build(seed, dtype):
    model = series_model(seed, dtype)
    model.compile(optimizer="adam", loss=losses.MeanSquaredError())
    return model


def fit(model, train, test, epochs, batch_size, seed):
    return model.fit(*train, batch_size=batch_size, epochs=epochs, validation_data=test, shuffle=False)


def figures(model, x, y):
    """The whole series, and the forecasts of every step of the test windows where they are in it."""
    series = datasets.sine_mixture()
    test, _ = drawn((len(series) - 1) // WINDOW)
    targets = test[: len(x), None] * WINDOW + np.arange(1, WINDOW + 1)
    figure = against_truth(TIMES, series, TIMES[targets].ravel(), model.predict(x).ravel())
    figure.axes[0].set(title=f"One-step forecasts of {FORMULA} in the test windows", xlabel="t", ylabel="f(t)")
    return {"forecast.png": figure}
