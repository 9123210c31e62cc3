"""The sine mixture in 39 windows end to end: a Keras notebook with its error put right (needs no files).

There the layer gives its last output only, (batch, 1), and the loss spreads it over the 20 targets of a window: the
network learns the window's mean. Here `return_sequences` gives each target its own prediction, as the text there has
it; losses of numbarnn refuse shapes that differ. 30 epochs are 30 updates, and 1000 bring the error down to a tenth.
"""

import numpy as np

from .. import datasets, losses
from .forecasts import WINDOW, figures, generate, report
from .no_files import expect_no_folder
from .series import build as series_model

__all__ = ["BATCH_SIZE", "EPOCHS", "build", "figures", "fit", "generate", "load", "report"]

EPOCHS = 30
BATCH_SIZE = 32


def load(data, dtype):
    """39 windows that do not overlap; a random fifth of them, eight, to test on."""
    expect_no_folder("sine-windows", data, "the series is computed")
    x, y = datasets.make_windows(datasets.sine_mixture().astype(dtype), WINDOW)
    order = np.random.default_rng(0).permutation(len(x))
    test, train = order[:8], order[8:]
    return (x[train], y[train]), (x[test], y[test])


def build(seed, dtype):
    model = series_model(seed, dtype)
    model.compile(optimizer="adam", loss=losses.MeanSquaredError())
    return model


def fit(model, train, test, epochs, batch_size, seed):
    return model.fit(*train, batch_size=batch_size, epochs=epochs, validation_data=test, shuffle=False)
