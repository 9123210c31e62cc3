"""What the recipes for images of digits share: the network, and a summary of what it confuses."""

import numpy as np

from .. import initializers, layers, losses, optimizers
from ..model import Sequential

UNITS = 150


def classifier(shape, seed, dtype):
    """150 tanh units read the rows of an image; an affine map of their last state scores the ten digits.

    Weights start as those of TensorFlow 1's BasicRNNCell: glorot uniform over the one matrix that takes [x, h].
    """
    limit = np.sqrt(6 / (shape[1] + UNITS + UNITS))
    start = initializers.uniform(-limit, limit)
    rnn = layers.SimpleRNN(UNITS, kernel_initializer=start, recurrent_initializer=start)
    model = Sequential([layers.Input(shape), rnn, layers.Dense(10)], seed=seed, dtype=dtype)
    model.compile(
        optimizer=optimizers.Adam(1e-3, epsilon=1e-8),
        loss=losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def confusion(y_true, y_pred, classes=10):
    """(classes, classes) counts: row the true class, column the predicted one."""
    return np.bincount(classes * y_true + y_pred, minlength=classes**2).reshape(classes, classes)


def report(model, x, y):
    """The confusion matrix as text, and the pairs confused most often."""
    counts = confusion(y, model.predict(x).argmax(axis=1))
    width = max(5, len(str(counts.max())) + 1)
    lines = [
        f"test accuracy {np.trace(counts) / counts.sum():.4f} ({np.trace(counts)} of {counts.sum()})",
        "",
        "confusion (row: true digit, column: predicted)",
        "   " + "".join(f"{digit:>{width}}" for digit in range(10)),
    ]
    for digit, row in enumerate(counts):
        lines.append(f"{digit:>3}" + "".join(f"{n or '.':>{width}}" for n in row))
    wrong = counts - np.diag(np.diag(counts))
    worst = [divmod(int(pair), 10) for pair in np.argsort(wrong, axis=None, kind="stable")[::-1][:5]]
    pairs = [f"{a} as {b} ({wrong[a, b]})" for a, b in worst if wrong[a, b]]
    return "\n".join([*lines, "", f"most often confused: {', '.join(pairs) or 'none'}"])


def figures(model, x, y):
    return {}
