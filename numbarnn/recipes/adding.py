"""The adding problem over 100 steps: LSTM solves it, SimpleRNN does not (computed, needs no files)."""

from typing import Any

import numpy as np

from .. import datasets, layers, losses, optimizers
from ..layers.base import Layer
from ..models.sequential import Sequential

EPOCHS = 30
BATCH_SIZE = 50
STEPS = 100


def load(data: str | None, dtype: str) -> tuple[tuple, ...]:
    """Compute 5,000 sequences to train on and 1,000 to test on."""
    return datasets.adding_problem(5000, STEPS, 1, dtype), datasets.adding_problem(1000, STEPS, 2, dtype)


def build(seed: int, dtype: str) -> dict[str, Sequential]:
    """Build an LSTM and a SimpleRNN to compare."""
    recurrent = {"LSTM": layers.LSTM(64), "SimpleRNN": layers.SimpleRNN(64)}
    return {name: _model(layer, seed, dtype) for name, layer in recurrent.items()}


def _model(recurrent: Layer, seed: int, dtype: str) -> Sequential:
    model = Sequential([layers.Input((None, 2)), recurrent, layers.Dense(1)], seed=seed, dtype=dtype)
    model.compile(optimizer=optimizers.Adam(5e-3, clip_global_norm=1.0), loss=losses.MeanSquaredError())
    return model


def report(models: dict[str, Sequential], x: np.ndarray, y: np.ndarray) -> str:
    """Compare the mean squared errors with that of the constant answer 1."""
    lines = [f"mean squared error on the test set; who says 1 each time has {np.mean((y - 1) ** 2):.4f}"]
    return "\n".join(lines + [f"  {name}: {np.mean((m.predict(x) - y) ** 2):.5f}" for name, m in models.items()])


def figures(models: dict[str, Sequential], x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Plot the answers against the sums."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    for axes, (name, model) in zip(figure.subplots(1, len(models), sharey=True), models.items(), strict=True):
        axes.plot(y, model.predict(x), ".", markersize=2)
        axes.plot([0, 2], [0, 2], "k", linewidth=0.5)
        axes.set(title=name, xlabel="sum of the two marked numbers", ylabel="prediction")
        axes.label_outer()
    return {"sums.png": figure}
