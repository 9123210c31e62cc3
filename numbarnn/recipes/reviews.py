"""What the recipes for film reviews share."""

import numpy as np

from .. import datasets, layers
from ..models.sequential import Sequential
from ..utils.figures import legend_below

WORDS = 10_000
MAX_WORDS = 500


def padded_before(data, dtype):
    """The last 500 words of each review, zeros before shorter ones: as Keras pads, and as the notebook reads them."""
    return tuple((datasets.pad_sequences(x, MAX_WORDS), y) for x, y in datasets.imdb(data))


def notebook_model(recurrent, seed, dtype):
    """32 numbers for each word, recurrent layers, and one probability; the padding is read like words."""
    chain = [layers.Input((None,)), layers.Embedding(WORDS, 32), *recurrent, layers.Dense(1, activation="sigmoid")]
    model = Sequential(chain, seed=seed, dtype=dtype)
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def fit(model, train, test, epochs, batch_size, seed):
    """The last fifth of the training reviews is there to validate on; the test set is not looked at."""
    return model.fit(*train, batch_size=batch_size, epochs=epochs, validation_split=0.2)


def report(model, x, y):
    """Test accuracy, for short and long reviews too."""
    right = (model.predict(x, 128)[:, 0] > 0.5) == y
    words = np.count_nonzero(x, axis=1)
    lines = [f"test accuracy {right.mean():.4f} ({right.sum()} of {len(y)})"]
    for low, high in ((0, 150), (150, 300), (300, MAX_WORDS + 1)):
        among = (words >= low) & (words < high)
        lines.append(f"  {low} to {high - 1} words: {right[among].mean():.4f} of {among.sum()}" if among.any() else "")
    return "\n".join(filter(None, lines))


def figures(model, x, y):
    """How sure the network is, of reviews of either kind."""
    from matplotlib.figure import Figure

    probabilities = model.predict(x, 128)[:, 0]
    figure = Figure(layout="constrained")
    axes = figure.subplots()
    for label, name in enumerate(("against", "in favour")):
        axes.hist(probabilities[y == label], bins=40, range=(0, 1), alpha=0.6, label=f"reviews {name}")
    axes.set(title="Test reviews", xlabel="probability of a review in favour", ylabel="reviews")
    legend_below(axes)
    return {"probabilities.png": figure}
