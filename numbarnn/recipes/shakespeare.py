"""Shakespeare, character by character: a stateful LSTM of two layers, truncated BPTT (--data DIR).

The first nine tenths of the text are cut into 32 rows; each batch reads the next 64 characters of every row, from the
final states of the previous batch, through which no gradient passes. The last tenth is for testing.
"""

import string
from typing import Any

import numpy as np

from .. import datasets, layers, losses, optimizers
from ..datasets.contiguous import contiguous_batches
from ..errors import InputError
from ..models.generation import generate as continued
from ..models.sequential import Sequential
from ..training.history import History

READS = "tiny_shakespeare"
EPOCHS = 15
BATCH_SIZE = 32
STEPS = 64
# in 17 batches 3,485 characters of each row, all of the last tenth but 19
TEST_STEPS = 205
RATE = 3e-3
CHARACTERS = np.array(list("\n !$&',-.3:;?" + string.ascii_uppercase + string.ascii_lowercase))


def load(data: str | None, dtype: str) -> tuple[tuple, ...]:
    """Load the numbers of the characters, batch after batch, and of the characters that follow them."""
    numbers = encoded(datasets.tiny_shakespeare(data))
    cut = 9 * len(numbers) // 10
    train = contiguous_batches(numbers[:cut], BATCH_SIZE, STEPS)
    test = contiguous_batches(numbers[cut:], BATCH_SIZE, TEST_STEPS)
    return (train.x, train.y), (test.x, test.y)


def build(seed: int, dtype: str) -> Sequential:
    """Build two stateful LSTMs of 256 units."""
    model = Sequential(
        [
            layers.Input((None,)),
            layers.Embedding(len(CHARACTERS), 64),
            layers.LSTM(256, return_sequences=True, stateful=True),
            layers.Dropout(0.2),
            layers.LSTM(256, return_sequences=True, stateful=True),
            layers.Dropout(0.2),
            layers.Dense(len(CHARACTERS)),
        ],
        seed=seed,
        dtype=dtype,
    )
    model.compile(
        optimizer=optimizers.Adam(RATE, clip_global_norm=1.0),
        loss=losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def fit(
    model: Sequential, train: tuple, test: tuple, epochs: int, batch_size: int, seed: int, **options: Any
) -> History:
    """Train with a rate that falls along half a cosine."""
    if batch_size != BATCH_SIZE:
        raise InputError(f"shakespeare: the text is cut into rows for batches of {BATCH_SIZE}, got {batch_size}")
    updates = epochs * len(train[0]) // batch_size
    model.optimizer.learning_rate = optimizers.CosineDecay(model.optimizer.learning_rate, updates, alpha=0.02)
    options |= {"validation_data": test, "shuffle": False, "reset_every": "epoch"}
    return model.fit(*train, batch_size=batch_size, epochs=epochs, **options)


def encoded(text: str) -> np.ndarray:
    """Return the number of each character, (N,) int64."""
    symbols = np.array(list(text))
    numbers = np.searchsorted(CHARACTERS, symbols).clip(max=len(CHARACTERS) - 1)
    if (unknown := CHARACTERS[numbers] != symbols).any():
        raise InputError(f"shakespeare: expected the 65 characters of the plays, got {str(symbols[unknown][0])!r}")
    return numbers


def generate(model: Sequential, prompt: str | None, n: int, temperature: float | None, seed: int) -> str:
    """Generate `n` characters after the prompt (None: a new line); temperature None: 0.8."""
    temperature = 0.8 if temperature is None else temperature
    numbers = continued(model, encoded(prompt or "\n")[None], n, temperature=temperature, seed=seed)
    return "".join(CHARACTERS[numbers[0]])


def report(model: Sequential, x: np.ndarray, y: np.ndarray) -> str:
    """Report the cross-entropy on the last tenth, and write 500 characters."""
    model.reset_states()
    nats, accuracy = model.evaluate(x, y, BATCH_SIZE)
    return (
        f"{nats:.4f} nats ({nats / np.log(2):.4f} bits) per character over {y.size:,} characters that it has not "
        f"seen, {accuracy:.1%} of them foretold; it writes\n\nROMEO:{generate(model, 'ROMEO:', 500, 0.8, 0)}"
    )


def figures(model: Sequential, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Plot nothing besides the training curves."""
    return {}
