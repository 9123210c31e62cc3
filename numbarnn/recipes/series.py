"""Forecast sin(t)/3 + 2 sin(5t) one step ahead from windows of 20 steps (computed, needs no files)."""

import numpy as np

from .. import datasets, layers, losses, optimizers
from ..errors import InputError
from ..model import Sequential

EPOCHS = 40
BATCH_SIZE = 50
WINDOW = 20


def load(data, dtype):
    """All windows of the first four fifths of the series to train on, those of the last fifth to test on."""
    if data is not None:
        raise InputError(f"series: expected no folder, the series is computed; got {data}")
    series = datasets.sine_mixture().astype(dtype)
    cut = 4 * len(series) // 5
    return (
        datasets.make_windows(series[:cut], WINDOW, stride=1),
        datasets.make_windows(series[cut:], WINDOW, stride=1),
    )


def build(seed, dtype):
    """100 ReLU units and an affine map at every step; the error counts at every step."""
    model = Sequential(
        [
            layers.Input((WINDOW, 1)),
            layers.SimpleRNN(100, activation="relu", return_sequences=True),
            layers.Dense(1),
        ],
        seed=seed,
        dtype=dtype,
    )
    model.compile(optimizer=optimizers.Adam(1e-3), loss=losses.MeanSquaredError(), metrics=[])
    return model


def report(model, x, y):
    """Mean squared errors, beside that of the forecast "as now"."""
    predicted = model.predict(x)
    return "\n".join(
        [
            f"test error, mean square: {np.mean((predicted - y) ** 2):.2g} over all steps, "
            f"{np.mean((predicted[:, -1] - y[:, -1]) ** 2):.2g} at the last step (which has seen {WINDOW} values)",
            f"the forecast 'next = now' has {np.mean((x - y) ** 2):.2g}",
        ]
    )


def figures(model, x, y):
    """The one-step forecasts at the ends of the test windows, against the truth."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.plot(y[:, -1, 0], "k", label="truth")
    axes.plot(model.predict(x)[:, -1, 0], "b.", label="forecast")
    axes.set(title="One-step forecast on the test series", xlabel="step", ylabel="value")
    axes.legend()
    return {"forecast.png": figure}
