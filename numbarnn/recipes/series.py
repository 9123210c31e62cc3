"""Forecast sin(t)/3 + 2 sin(5t) one step ahead from windows of 20 steps (computed, needs no files).

BasicRNNCell(100, relu) and one affine map for all steps: 10,000 updates from 50 random windows each.
"""

from .. import layers
from ..models.sequential import Sequential
from .forecasts import compiled, figures, generate, report
from .forecasts import random_windows as load

__all__ = ["BATCH_SIZE", "EPOCHS", "build", "figures", "generate", "load", "report"]

EPOCHS = 100
BATCH_SIZE = 50


def build(seed, dtype):
    """An `OutputProjectionWrapper` around the cell would give the same numbers as the Dense layer over all steps."""
    chain = [
        layers.Input((None, 1)),
        layers.SimpleRNN(100, activation="relu", return_sequences=True),
        layers.Dense(1),
    ]
    return compiled(Sequential(chain, seed=seed, dtype=dtype))
