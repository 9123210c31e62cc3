"""MNIST, row by row, as in Keras: SimpleRNN(150, relu), Adam, batches of 32 (--data DIR)."""

from .. import datasets, layers, losses
from ..models.functional import Model
from .images import UNITS, figures, report

__all__ = ["BATCH_SIZE", "EPOCHS", "READS", "build", "figures", "load", "report"]

READS = "mnist"
EPOCHS = 10
BATCH_SIZE = 32


def load(data: str | None, dtype: str) -> tuple[tuple, ...]:
    """Load MNIST, all 60,000 training images."""
    return datasets.mnist(data, dtype)


def build(seed: int, dtype: str) -> Model:
    """Build the functional model of Keras."""
    rows = layers.Input((28, 28))
    state = layers.SimpleRNN(UNITS, activation="relu")(rows)
    model = Model(rows, layers.Dense(10, activation="softmax")(state), seed=seed, dtype=dtype)
    model.compile(optimizer="adam", loss=losses.SparseCategoricalCrossentropy(), metrics=["accuracy"])
    return model
