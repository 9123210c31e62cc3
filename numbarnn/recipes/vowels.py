"""Nine speakers recognised by two vowels: 7 to 29 steps, read from both ends (--data DIR)."""

from typing import Any

import numpy as np

from .. import datasets, layers, losses, optimizers
from ..models.sequential import Sequential
from .images import confusion

READS = "japanese_vowels"
EPOCHS = 60
BATCH_SIZE = 30
MAX_STEPS = 29


def load(data: str | None, dtype: str) -> tuple[tuple, ...]:
    """Load utterances with zeros after shorter ones; no step of a real one is zero in all channels."""
    return tuple(
        (datasets.pad_sequences(x, MAX_STEPS, dtype, padding="post"), y)
        for x, y in datasets.japanese_vowels(data, dtype)
    )


def build(seed: int, dtype: str) -> Sequential:
    """Build a bidirectional LSTM over masked steps."""
    chain = [
        layers.Input((None, 12)),
        layers.Masking(),
        layers.Bidirectional(layers.LSTM(64)),
        layers.Dropout(0.5),
        layers.Dense(9),
    ]
    model = Sequential(chain, seed=seed, dtype=dtype)
    model.compile(
        optimizer=optimizers.Adam(2e-3),
        loss=losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def report(model: Sequential, x: np.ndarray, y: np.ndarray) -> str:
    """Report the test accuracy, and how many utterances of each speaker are recognised."""
    counts = confusion(y, model.predict(x).argmax(axis=1), classes=9)
    lines = [f"test accuracy {np.trace(counts) / counts.sum():.4f} ({np.trace(counts)} of {counts.sum()})"]
    lines += [f"  speaker {k + 1}: {row[k]:>2} of {row.sum():>2}" for k, row in enumerate(counts)]
    return "\n".join(lines)


def figures(model: Sequential, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Plot the confusion matrix of the speakers."""
    from matplotlib.figure import Figure

    counts = confusion(y, model.predict(x).argmax(axis=1), classes=9)
    figure = Figure()
    axes = figure.subplots()
    axes.imshow(counts, cmap="Blues")
    for (true, predicted), count in np.ndenumerate(counts):
        axes.text(
            predicted, true, count or "", ha="center", va="center", color="w" if count > counts.max() / 2 else "k"
        )
    speakers = range(1, 10)
    axes.set(title="Test utterances", xlabel="recognised as speaker", ylabel="speaker")
    axes.set(xticks=range(9), yticks=range(9), xticklabels=speakers, yticklabels=speakers)
    return {"confusion.png": figure}
