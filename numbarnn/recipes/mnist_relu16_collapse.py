"""How training fails: SimpleRNN(16, relu) on MNIST at rate 0.03, beside 0.01 and 0.001 (--data DIR).

A notebook trains this at 0.01 and ends at accuracy 0.0958 and loss 14.57398: its network is sure of a six for every
image. A probability of 0 counts as 1e-7 in Keras 2, so each of the 9,042 other digits costs -ln 1e-7 = 16.118. There
the clipped loss (`legacy_clip`) is flat, so the network cannot recover. Here thirteen of thirteen seeds survive 20
epochs at 0.01, with jumps in the loss, and four of four collapse at 0.03: seeds 0 and 3 to sixes, at 14.57398.
"""

from typing import Any

import numpy as np

from .. import layers, losses, optimizers
from ..models.sequential import Sequential
from .images import without_validation

READS = "mnist"
EPOCHS = 20
BATCH_SIZE = 100
RATES = (0.03, 0.01, 0.001)
LOSS = losses.CategoricalCrossentropy(legacy_clip=True)


def load(data: str | None, dtype: str) -> tuple[tuple, ...]:
    """Load the images with one-hot labels."""
    return tuple((x, np.eye(10, dtype=dtype)[y]) for x, y in without_validation(data, dtype))


def build(seed: int, dtype: str) -> dict[str, Sequential]:
    """Build a model for each rate."""
    return {f"rate-{rate}": _model(rate, seed, dtype) for rate in RATES}


def _model(rate: float, seed: int, dtype: str) -> Sequential:
    chain = [
        layers.Input((28, 28)),
        layers.SimpleRNN(16, activation="relu"),
        layers.Dense(10),
        layers.Activation("softmax"),
    ]
    model = Sequential(chain, seed=seed, dtype=dtype)
    model.compile(optimizer=optimizers.RMSprop(rate), loss=LOSS, metrics=["accuracy"])
    return model


def always(digit: int, y: np.ndarray) -> float:
    """Compute the loss on labels y of a network that is sure of this digit for every image."""
    return LOSS(y, np.tile(np.eye(10, dtype=y.dtype)[digit], (len(y), 1)))


def report(models: dict[str, Sequential], x: np.ndarray, y: np.ndarray) -> str:
    """Report loss, accuracy and the most frequent answer at each rate."""
    lines = [f"a network that is sure of a six each time has the loss {always(6, y):.5f}"]
    for name, model in models.items():
        probabilities = model.predict(x, 100)
        said = np.bincount(probabilities.argmax(axis=1), minlength=10)
        share = np.mean(probabilities.argmax(axis=1) == y.argmax(axis=1))
        lines.append(
            f"{name}: loss {LOSS(y, probabilities):.5f}, accuracy {share:.4f}, says {said.argmax()} "
            f"in {said.max() / len(y):.0%} of the images"
        )
    return "\n".join(lines)


def figures(models: dict[str, Sequential], x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Plot nothing besides the training curves."""
    return {}
