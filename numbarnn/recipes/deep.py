"""A deep network on the sine mixture: three layers of 100 units in a MultiRNNCell (needs no files)."""

from .. import layers
from ..cells import SimpleRNNCell
from ..models.sequential import Sequential
from ..wrappers import MultiRNNCell
from .forecasts import compiled, figures, generate, report
from .forecasts import random_windows as load

__all__ = ["BATCH_SIZE", "EPOCHS", "build", "figures", "generate", "load", "report"]

EPOCHS = 20
BATCH_SIZE = 50


def build(seed, dtype):
    return stacked([SimpleRNNCell(100) for _ in range(3)], seed, dtype)


def stacked(cells, seed, dtype):
    chain = [layers.Input((None, 1)), layers.RNN(MultiRNNCell(cells), return_sequences=True), layers.Dense(1)]
    return compiled(Sequential(chain, seed=seed, dtype=dtype))
