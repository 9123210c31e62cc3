"""The deep network, half of the inputs of each layer dropped in training (needs no files).

The first layer's input is the series itself: in training every other value is missing, and the others are doubled.
With one feature nothing makes up for that. Without dropout the values are half as large as those it has learned from,
and its forecasts on the test set are worse than "next = now": dropout is for inputs of which others tell the same.
"""

from ..cells import SimpleRNNCell
from ..wrappers import DropoutWrapper
from .deep import BATCH_SIZE, EPOCHS, figures, generate, load, report, stacked

__all__ = ["BATCH_SIZE", "EPOCHS", "build", "figures", "generate", "load", "report"]


def build(seed, dtype):
    return stacked([DropoutWrapper(SimpleRNNCell(100), input_keep_prob=0.5) for _ in range(3)], seed, dtype)
