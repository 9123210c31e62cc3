"""A deep network on the sine mixture: three layers of 100 units in a MultiRNNCell (needs no files)."""

from collections.abc import Sequence

from .. import layers
from ..cells import SimpleRNNCell
from ..cells.rnn_cell import RNNCell
from ..models.sequential import Sequential
from ..wrappers import MultiRNNCell
from .forecasts import compiled, figures, generate, report
from .forecasts import random_windows as load

__all__ = ["BATCH_SIZE", "EPOCHS", "build", "figures", "generate", "load", "report"]

EPOCHS = 20
BATCH_SIZE = 50


def build(seed: int, dtype: str) -> Sequential:
    """Build three layers of 100 units."""
    return stacked([SimpleRNNCell(100) for _ in range(3)], seed, dtype)


def stacked(cells: Sequence[RNNCell], seed: int, dtype: str) -> Sequential:
    """Build the network from a stack of cells."""
    chain = [layers.Input((None, 1)), layers.RNN(MultiRNNCell(cells), return_sequences=True), layers.Dense(1)]
    return compiled(Sequential(chain, seed=seed, dtype=dtype))
