"""An encoder reads strings of 1 to 10 digits, a decoder writes them back to front (computed, needs no files)."""

from typing import Any

import numpy as np

from .. import datasets, layers, losses, optimizers
from ..datasets.reversed_digits import START, STOP
from ..models.encoder_decoder import EncoderDecoder
from ..utils.padded import Padded

EPOCHS = 15
BATCH_SIZE = 50
LONGEST = 10
TOKENS = 12


def load(data: str | None, dtype: str) -> tuple[tuple, ...]:
    """Compute 10,000 strings to train on and 1,000 to test on."""
    parts = datasets.reversed_digits(10_000, LONGEST, 1), datasets.reversed_digits(1000, LONGEST, 2)
    return tuple((Padded.of(x), Padded.of(y)) for x, y in parts)


def build(seed: int, dtype: str) -> EncoderDecoder:
    """Build encoder and decoder."""
    model = EncoderDecoder(
        [layers.Input((None,)), layers.Embedding(TOKENS, 16), layers.LSTM(128)],
        [layers.Embedding(TOKENS, 16), layers.LSTM(128, return_sequences=True), layers.Dense(TOKENS)],
        start=START,
        seed=seed,
        dtype=dtype,
    )
    model.compile(
        optimizer=optimizers.Adam(3e-3, clip_global_norm=1.0),
        loss=losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def written(model: EncoderDecoder, x: Padded) -> list[np.ndarray]:
    """Let the decoder write each string, up to its stop token."""
    return model.generate(x, LONGEST + 1, stop=STOP).rows()


def correct(model: EncoderDecoder, x: Padded, y: Padded) -> np.ndarray:
    """Say which strings (batch,) are written without an error."""
    return np.array([np.array_equal(*pair) for pair in zip(written(model, x), y.rows(), strict=True)])


def text(tokens: np.ndarray) -> str:
    """Turn tokens into digits."""
    return "".join(str(token - 1) for token in tokens if token not in (START, STOP))


def report(model: EncoderDecoder, x: Padded, y: Padded) -> str:
    """Report the share of strings without an error, by length, and a few examples."""
    right = correct(model, x, y)
    lines = [f"{right.mean():.1%} of {len(right)} test strings are reversed without an error"]
    for low, high in ((1, 5), (6, 8), (9, 10)):
        among = (x.lengths >= low) & (x.lengths <= high)
        lines.append(f"  {low} to {high} digits: {right[among].mean():.1%}" if among.any() else "")
    pairs = zip(x.rows()[:5], written(model, x[:5]), strict=True)
    return "\n".join([*filter(None, lines), *(f"  {text(a):>{LONGEST}} -> {text(b)}" for a, b in pairs)])


def figures(model: EncoderDecoder, x: Padded, y: Padded) -> dict[str, Any]:
    """Plot the share of strings without an error for each length."""
    from matplotlib.figure import Figure

    right = correct(model, x, y)
    lengths = np.unique(x.lengths)
    figure = Figure()
    axes = figure.subplots()
    axes.bar(lengths, [right[x.lengths == length].mean() for length in lengths])
    axes.set(
        title="Test strings reversed without an error",
        xlabel="digits in the string",
        ylabel="share",
        ylim=(0, 1),
        xticks=lengths,
    )
    return {"reversed.png": figure}
