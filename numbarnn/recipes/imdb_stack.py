"""Film reviews: a stack of four SimpleRNN(32), which the notebook only summarises (--data DIR)."""

from .. import layers
from ..models.sequential import Sequential
from .imdb_rnn import BATCH_SIZE
from .reviews import figures, fit, notebook_model, report
from .reviews import padded_before as load

__all__ = ["BATCH_SIZE", "EPOCHS", "READS", "build", "figures", "fit", "load", "report"]

READS = "imdb"
EPOCHS = 2


def build(seed: int, dtype: str) -> Sequential:
    """Build the notebook's model with four SimpleRNN."""
    below = [layers.SimpleRNN(32, return_sequences=True) for _ in range(3)]
    return notebook_model([*below, layers.SimpleRNN(32)], seed, dtype)
