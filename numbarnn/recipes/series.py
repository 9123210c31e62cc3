"""Forecast sin(t)/3 + 2 sin(5t) one step ahead from windows of 20 steps (computed, needs no files).

BasicRNNCell(100, relu) and one affine map for all steps: 10,000 updates of 50 random windows each.
"""

from .. import layers
from ..models.sequential import Sequential
from .forecasts import compiled, figures, generate, report
from .forecasts import random_windows as load

__all__ = ["BATCH_SIZE", "EPOCHS", "build", "figures", "generate", "load", "report"]

EPOCHS = 100
BATCH_SIZE = 50


def build(seed: int, dtype: str) -> Sequential:
    """Build the network; an `OutputProjectionWrapper` around the cell would compute the same as the Dense layer."""
    chain = [
        layers.Input((None, 1)),
        layers.SimpleRNN(100, activation="relu", return_sequences=True),
        layers.Dense(1),
    ]
    return compiled(Sequential(chain, seed=seed, dtype=dtype))
