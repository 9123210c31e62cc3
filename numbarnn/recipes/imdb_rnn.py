"""Film reviews, for or against: Embedding, SimpleRNN(32), as a Keras notebook has it (--data DIR).

There: up to 0.85 on the validation reviews, 0.74 on the test set.
"""

from .. import layers
from .reviews import figures, fit, notebook_model, report
from .reviews import padded_before as load

__all__ = ["BATCH_SIZE", "EPOCHS", "READS", "build", "figures", "fit", "load", "report"]

READS = "imdb"
EPOCHS = 10
BATCH_SIZE = 128


def build(seed, dtype):
    return notebook_model([layers.SimpleRNN(32)], seed, dtype)
