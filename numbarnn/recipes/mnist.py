"""MNIST, row by row: 28 steps of 28 pixels, 10 classes (needs the four idx files: --data DIR)."""

from .. import datasets
from .images import classifier, figures, report

__all__ = ["BATCH_SIZE", "EPOCHS", "build", "figures", "load", "report"]

EPOCHS = 10
BATCH_SIZE = 150


def load(data, dtype):
    return datasets.mnist(data, dtype)


def build(seed, dtype):
    return classifier((28, 28), seed, dtype)
