"""Share windows, training, report and figures among the recipes that forecast the sine mixture."""

from typing import Any

import numpy as np

from .. import datasets, losses, optimizers
from ..errors import InputError
from ..models import generation
from ..models.sequential import Sequential
from ..utils.figures import legend_below

WINDOW = 20
FORMULA = "f(t) = sin(t)/3 + 2 sin(5t)"
# t at each value of `datasets.sine_mixture()`
TIMES = np.linspace(0.0, 30.0, 800)
# the values from here on are the test series
CUT = 640


def random_windows(data: str | None, dtype: str) -> tuple[tuple, ...]:
    """Draw 5,000 training windows from the first four fifths of the series; test on all windows of the last fifth.

    With batches of 50 an epoch has 100 updates.
    """
    series = datasets.sine_mixture().astype(dtype)
    return (
        datasets.make_windows(series[:CUT], WINDOW, count=5000),
        datasets.make_windows(series[CUT:], WINDOW, stride=1),
    )


def compiled(model: Sequential) -> Sequential:
    """Compile a model with Adam and the mean squared error over all steps."""
    model.compile(optimizer=optimizers.Adam(1e-3), loss=losses.MeanSquaredError())
    return model


def generate(model: Sequential, prompt: str | None, n: int, temperature: float | None, seed: int) -> np.ndarray:
    """Generate the `n` values (n, 1) after a prompt, a text of numbers between commas; None: 20 zeros."""
    try:
        start = np.zeros(WINDOW) if prompt is None else np.array(prompt.split(","), float)
    except ValueError:
        raise InputError(f"generate: expected a prompt of numbers between commas, got {prompt!r}") from None
    return generation.generate(model, start[None, :, None], n, temperature=temperature or 0.0, seed=seed)[0]


def report(model: Sequential, x: np.ndarray, y: np.ndarray) -> str:
    """Compare the mean squared errors with that of the forecast "next = now"."""
    predicted = model.predict(x)
    return "\n".join(
        [
            f"test error, mean square: {np.mean((predicted - y) ** 2):.2g} over all steps, "
            f"{np.mean((predicted[:, -1] - y[:, -1]) ** 2):.2g} at the last step (which has seen {x.shape[1]} values)",
            f"the forecast 'next = now' has {np.mean((x - y) ** 2):.2g}",
        ]
    )


def figures(model: Sequential, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Plot the one-step forecasts at the ends of the test windows against the truth."""
    times, truth, forecast = TIMES[CUT + WINDOW :][: len(y)], y[:, -1, 0], model.predict(x)[:, -1, 0]
    figure = against_truth(times, truth, times, forecast)
    figure.axes[0].set(title=f"One-step forecasts of {FORMULA} on the test series", xlabel="t", ylabel="f(t)")
    return {"forecast.png": figure}


def against_truth(times: np.ndarray, truth: np.ndarray, forecast_times: np.ndarray, forecast: np.ndarray) -> Any:
    """Plot a series as a line, and forecasts as dots."""
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    axes = figure.subplots()
    axes.plot(times, truth, "k", linewidth=1, label="truth")
    axes.plot(forecast_times, forecast, "b.", label="forecast")
    legend_below(axes)
    return figure
