"""The embedded handwritten digits, row by row: 8 steps of 8 pixels, 10 classes (needs no files)."""

from .. import datasets
from ..models.sequential import Sequential
from .images import classifier, figures, report

__all__ = ["BATCH_SIZE", "EPOCHS", "build", "figures", "load", "report"]

EPOCHS = 30
BATCH_SIZE = 50


def load(data: str | None, dtype: str) -> tuple[tuple, ...]:
    """Load the digits of the package."""
    return datasets.digits(dtype)


def build(seed: int, dtype: str) -> Sequential:
    """Build the classifier of 150 units."""
    return classifier((8, 8), seed, dtype)
