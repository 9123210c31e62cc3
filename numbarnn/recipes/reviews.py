"""Share the model, its training, report and figures among the recipes for film reviews."""

from typing import Any

import numpy as np

from .. import datasets, layers
from ..layers.base import Layer
from ..models.sequential import Sequential
from ..training.history import History
from ..utils.figures import legend_below

WORDS = 10_000
MAX_WORDS = 500


def padded_before(data: str | None, dtype: str) -> tuple[tuple, ...]:
    """Load the last 500 words of each review, with zeros before shorter ones, as Keras pads them."""
    return tuple((datasets.pad_sequences(x, MAX_WORDS), y) for x, y in datasets.imdb(data))


def notebook_model(recurrent: list[Layer], seed: int, dtype: str) -> Sequential:
    """Build an embedding of 32 numbers a word, recurrent layers and one probability; padding is not masked."""
    chain = [layers.Input((None,)), layers.Embedding(WORDS, 32), *recurrent, layers.Dense(1, activation="sigmoid")]
    model = Sequential(chain, seed=seed, dtype=dtype)
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def fit(
    model: Sequential, train: tuple, test: tuple, epochs: int, batch_size: int, seed: int, **options: Any
) -> History:
    """Validate on the last fifth of the training reviews; the test set is not used."""
    return model.fit(*train, batch_size=batch_size, epochs=epochs, validation_split=0.2, **options)


def report(model: Sequential, x: np.ndarray, y: np.ndarray) -> str:
    """Report the test accuracy, of short and long reviews too."""
    right = (model.predict(x, 128)[:, 0] > 0.5) == y
    words = np.count_nonzero(x, axis=1)
    lines = [f"test accuracy {right.mean():.4f} ({right.sum()} of {len(y)})"]
    for low, high in ((0, 150), (150, 300), (300, MAX_WORDS + 1)):
        among = (words >= low) & (words < high)
        lines.append(f"  {low} to {high - 1} words: {right[among].mean():.4f} of {among.sum()}" if among.any() else "")
    return "\n".join(filter(None, lines))


def figures(model: Sequential, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Plot histograms of the probability for both kinds of reviews."""
    from matplotlib.figure import Figure

    probabilities = model.predict(x, 128)[:, 0]
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    for label, name in enumerate(("against", "in favour")):
        axes.hist(probabilities[y == label], bins=40, range=(0, 1), alpha=0.6, label=f"reviews {name}")
    axes.set(title="Test reviews", xlabel="probability of a review in favour", ylabel="reviews")
    legend_below(axes)
    return {"probabilities.png": figure}
