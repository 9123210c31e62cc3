"""Film reviews done well: padding masked, read from both ends, dropout (--data DIR)."""

from .. import datasets, layers, optimizers
from ..models.sequential import Sequential
from .reviews import MAX_WORDS, WORDS, figures, fit, report

__all__ = ["BATCH_SIZE", "EPOCHS", "READS", "build", "figures", "fit", "load", "report"]

READS = "imdb"
EPOCHS = 3
BATCH_SIZE = 64


def load(data: str | None, dtype: str) -> tuple[tuple, ...]:
    """Load the last 500 words of each review; shorter ones end in zeros, which are masked."""
    return tuple((datasets.pad_sequences(x, MAX_WORDS, padding="post"), y) for x, y in datasets.imdb(data))


def build(seed: int, dtype: str) -> Sequential:
    """Build a bidirectional LSTM over masked words, with dropout."""
    chain = [
        layers.Input((None,)),
        layers.Embedding(WORDS, 64, mask_zero=True),
        layers.Dropout(0.5),
        layers.Bidirectional(layers.LSTM(32)),
        layers.Dropout(0.5),
        layers.Dense(1, activation="sigmoid"),
    ]
    model = Sequential(chain, seed=seed, dtype=dtype)
    model.compile(
        optimizer=optimizers.Adam(2e-3, clip_global_norm=1.0),
        loss="binary_crossentropy",
        metrics=["accuracy"],
    )
    return model
