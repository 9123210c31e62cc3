"""The embedded handwritten digits, row by row: 8 steps of 8 pixels, 10 classes (needs no files)."""

from .. import datasets
from .images import classifier, figures, report

__all__ = ["BATCH_SIZE", "EPOCHS", "build", "figures", "load", "report"]

EPOCHS = 30
BATCH_SIZE = 50


def load(data, dtype):
    return datasets.digits(dtype)


def build(seed, dtype):
    return classifier((8, 8), seed, dtype)
