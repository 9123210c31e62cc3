"""Film reviews, for or against: Embedding, SimpleRNN(32), the first model of a Keras notebook (--data DIR).

The notebook has up to 0.85 on the validation reviews, and 0.74 on the test set.
"""

from .. import layers
from ..models.sequential import Sequential
from .reviews import figures, fit, notebook_model, report
from .reviews import padded_before as load

__all__ = ["BATCH_SIZE", "EPOCHS", "READS", "build", "figures", "fit", "load", "report"]

READS = "imdb"
EPOCHS = 10
BATCH_SIZE = 128


def build(seed: int, dtype: str) -> Sequential:
    """Build the notebook's model with a SimpleRNN."""
    return notebook_model([layers.SimpleRNN(32)], seed, dtype)
