"""The adding problem over 100 steps: LSTM solves it, SimpleRNN does not (computed, needs no files)."""

import numpy as np

from .. import datasets, layers, losses, optimizers
from ..models.sequential import Sequential

EPOCHS = 30
BATCH_SIZE = 50
STEPS = 100


def load(data, dtype):
    return datasets.adding_problem(5000, STEPS, 1, dtype), datasets.adding_problem(1000, STEPS, 2, dtype)


def build(seed, dtype):
    recurrent = {"LSTM": layers.LSTM(64), "SimpleRNN": layers.SimpleRNN(64)}
    return {name: _model(layer, seed, dtype) for name, layer in recurrent.items()}


def _model(recurrent, seed, dtype):
    model = Sequential([layers.Input((None, 2)), recurrent, layers.Dense(1)], seed=seed, dtype=dtype)
    model.compile(optimizer=optimizers.Adam(5e-3, clip_global_norm=1.0), loss=losses.MeanSquaredError())
    return model


def report(models, x, y):
    """Mean squared errors, beside that of saying 1 each time."""
    lines = [f"mean squared error on the test set; who says 1 each time has {np.mean((y - 1) ** 2):.4f}"]
    return "\n".join(lines + [f"  {name}: {np.mean((m.predict(x) - y) ** 2):.5f}" for name, m in models.items()])


def figures(models, x, y):
    """Sums as they are and as they are said."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    for axes, (name, model) in zip(figure.subplots(1, len(models), sharey=True), models.items(), strict=True):
        axes.plot(y, model.predict(x), ".", markersize=2)
        axes.plot([0, 2], [0, 2], "k", linewidth=0.5)
        axes.set(title=name, xlabel="sum of the two marked numbers", ylabel="prediction")
        axes.label_outer()
    return {"sums.png": figure}
