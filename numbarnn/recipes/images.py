"""Share the network and the report on its confusions among the recipes for images of digits."""

from typing import Any

import numpy as np

from .. import datasets, initializers, layers, losses, optimizers
from ..models.sequential import Sequential

UNITS = 150


def without_validation(data: str | None, dtype: str) -> tuple[tuple, ...]:
    """Load MNIST without the first 5,000 training images, as the notebooks do: 55,000 remain."""
    (x, y), test = datasets.mnist(data, dtype)
    return (x[5000:], y[5000:]), test


def classifier(shape: tuple[int, int], seed: int, dtype: str) -> Sequential:
    """Build 150 tanh units that read the rows of an image, and an affine map of their last state to ten scores.

    Initial weights are those of TensorFlow 1's BasicRNNCell: glorot uniform over the one matrix that multiplies [x, h].
    """
    limit = np.sqrt(6 / (shape[1] + UNITS + UNITS))
    start = initializers.uniform(-limit, limit)
    rnn = layers.SimpleRNN(UNITS, kernel_initializer=start, recurrent_initializer=start)
    return compiled(Sequential([layers.Input(shape), rnn, layers.Dense(10)], seed=seed, dtype=dtype))


def compiled(model: Sequential) -> Sequential:
    """Compile a model as both TensorFlow 1 notebooks do: Adam of TensorFlow 1, softmax in the loss."""
    model.compile(
        optimizer=optimizers.Adam(1e-3, epsilon=1e-8),
        loss=losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def confusion(y_true: np.ndarray, y_pred: np.ndarray, classes: int = 10) -> np.ndarray:
    """Count (true class, predicted class) pairs in a matrix (classes, classes)."""
    return np.bincount(classes * y_true + y_pred, minlength=classes**2).reshape(classes, classes)


def report(model: Sequential, x: np.ndarray, y: np.ndarray) -> str:
    """Write the confusion matrix and the pairs confused most often."""
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


def figures(model: Sequential, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Show up to twelve test images with the largest margin in favor of a wrong digit."""
    from matplotlib.figure import Figure

    scores = model.predict(x)
    predicted = scores.argmax(axis=1)
    wrong = np.flatnonzero(predicted != y)
    margin = scores[wrong].max(axis=1) - scores[wrong, y[wrong]]
    shown = wrong[np.argsort(-margin, kind="stable")][:12]
    columns, rows = min(4, max(1, len(shown))), max(1, -(-len(shown) // 4))
    figure = Figure(figsize=(2 * columns, 2 * rows), layout="constrained")
    tiles = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, i in zip(tiles, shown, strict=False):
        axes.imshow(x[i], cmap="gray_r", vmin=0, vmax=1)
        axes.set(title=f"{y[i]}, taken for {predicted[i]}", xticks=[], yticks=[])
    for axes in tiles[len(shown) :]:
        axes.set_axis_off()
    if len(shown) == 0:
        tiles[0].set_title("no mistakes")
    return {"mistakes.png": figure}
