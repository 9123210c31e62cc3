"""The deep network, half of the inputs of each layer dropped in training (needs no files).

The input of the first layer is the series itself: in training every other value is missing, and the others are doubled.
With a single feature no other input replaces a missing value. On the test set, without dropout, the values are half as
large as in training, and the forecasts are worse than "next = now". Dropout needs redundant inputs.
"""

from ..cells import SimpleRNNCell
from ..models.sequential import Sequential
from ..wrappers import DropoutWrapper
from .deep import BATCH_SIZE, EPOCHS, figures, generate, load, report, stacked

__all__ = ["BATCH_SIZE", "EPOCHS", "build", "figures", "generate", "load", "report"]


def build(seed: int, dtype: str) -> Sequential:
    """Build three layers of 100 units with dropout of their inputs."""
    return stacked([DropoutWrapper(SimpleRNNCell(100), input_keep_prob=0.5) for _ in range(3)], seed, dtype)
