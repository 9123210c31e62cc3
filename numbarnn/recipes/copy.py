"""The copy problem: five symbols through a pause of 30 steps, LSTM beside SimpleRNN (computed, needs no files)."""

from typing import Any

import numpy as np

from .. import datasets, layers, losses, optimizers
from ..layers.base import Layer
from ..models.sequential import Sequential
from ..utils.figures import legend_below

EPOCHS = 30
BATCH_SIZE = 50
DELAY = 30
LENGTH = 5
SYMBOLS = 8


def load(data: str | None, dtype: str) -> tuple[tuple, ...]:
    """Compute 5,000 sequences to train on and 500 to test on."""
    return datasets.copy_problem(5000, DELAY, LENGTH, SYMBOLS, 1), datasets.copy_problem(500, DELAY, LENGTH, SYMBOLS, 2)


def build(seed: int, dtype: str) -> dict[str, Sequential]:
    """Build an LSTM and a SimpleRNN to compare."""
    recurrent = {
        "LSTM": layers.LSTM(128, return_sequences=True),
        "SimpleRNN": layers.SimpleRNN(128, return_sequences=True),
    }
    return {name: _model(layer, seed, dtype) for name, layer in recurrent.items()}


def _model(recurrent: Layer, seed: int, dtype: str) -> Sequential:
    vectors = layers.Embedding(SYMBOLS + 2, SYMBOLS + 2, embeddings_initializer="identity")
    model = Sequential([layers.Input((None,)), vectors, recurrent, layers.Dense(SYMBOLS + 2)], seed=seed, dtype=dtype)
    model.compile(
        optimizer=optimizers.Adam(5e-3, clip_global_norm=1.0),
        loss=losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[recalled],
    )
    return model


def recalled(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Compute the share of symbols that are recalled."""
    return float(np.mean(y_pred[:, -LENGTH:].argmax(axis=-1) == y_true[:, -LENGTH:]))


def report(models: dict[str, Sequential], x: np.ndarray, y: np.ndarray) -> str:
    """Compare the share of symbols recalled with that of guessing."""
    lines = [f"symbols recalled on the test set after {DELAY} steps; guessing gets {1 / SYMBOLS:.3f} of them"]
    return "\n".join(lines + [f"  {name}: {recalled(y, model.predict(x)):.3f}" for name, model in models.items()])


def figures(models: dict[str, Sequential], x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Plot the probabilities in the last steps of one test sequence, and the right symbols."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3 * len(models)), layout="constrained")
    plots = figure.subplots(len(models), 1, sharex=True)
    for axes, (name, model) in zip(plots, models.items(), strict=True):
        scores = model.predict(x[:1])[0, -LENGTH:]
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        image = axes.imshow((p / p.sum(axis=1, keepdims=True)).T, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.plot(range(LENGTH), y[0, -LENGTH:], "rx", markersize=8, label="symbol to recall")
        axes.set(title=name, ylabel="symbol", xticks=range(LENGTH), xticklabels=range(1, LENGTH + 1))
        axes.set_yticks(range(SYMBOLS + 2))
    axes.set_xlabel("step after the pause")
    legend_below(axes)
    figure.colorbar(image, ax=list(plots), label="probability")
    return {"recalled.png": figure}
