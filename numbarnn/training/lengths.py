"""Batches of sequences of similar lengths: each is padded to its own longest sequence, not to that of all data.

Training sorts within windows of a random order, so that batches stay random: the rule of Hugging Face Transformers'
``LengthGroupedSampler``, with its numbers, and the batches shuffled afterwards.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..layers import Concatenate, Flatten
from .batches import Data

# batches of a window at most, and windows at least
WINDOW, WINDOWS = 50, 4


class LengthPlan(NamedTuple):
    """What is done with sequences of different lengths."""

    # whether batches are made of similar lengths; else the order stays
    sorts: bool
    # whether there is an output, with its label and weight, for each step
    at_steps: bool

    def trimmed(self, batch: Data) -> Data:
        """Return a batch without the steps behind its longest sequence."""
        x, (_, y, weights) = batch.x.trimmed(), batch
        if self.at_steps and y is not None:
            steps = x.steps
            y, weights = y[:, :steps], weights if weights is None or weights.ndim == 1 else weights[:, :steps]
        return Data(x, y, weights)


def by_length(lengths: np.ndarray, batch_size: int, rng: np.random.Generator | None = None) -> np.ndarray:
    """Return an order of the samples whose batches have similar lengths.

    Without a generator all are sorted. With one, windows of a random order are, each of ``WINDOW`` batches, or fewer
    so that there are ``WINDOWS`` windows; then whole batches are shuffled.
    """
    if rng is None:
        return np.argsort(lengths, kind="stable")
    order = rng.permutation(len(lengths))
    batches = len(order) // batch_size
    window = min(WINDOW, batches // WINDOWS)
    if window < 2:
        return order
    whole, rest = np.split(order, [batches * batch_size])
    for start in range(0, len(whole), window * batch_size):
        part = whole[start : start + window * batch_size]
        part[:] = part[np.argsort(lengths[part], kind="stable")]
    return np.concatenate([rng.permutation(whole.reshape(batches, batch_size)).ravel(), rest])


def plan_of(model: Any, x: Any, sorts: bool = True) -> LengthPlan | None:
    """Return the plan for inputs of a model; None for an array, one length, or layers that need all steps.

    With several inputs, or labels of several outputs, it is None, too.
    """
    lengths = getattr(x, "lengths", None) if len(model.output_names) == 1 else None
    if lengths is None or not len(lengths) or (lengths == x.steps).all() or not _may_trim(model):
        return None
    return LengthPlan(sorts and not model._stateful_layers(), _has_steps(model.output_shape))


def _may_trim(model):
    """Say whether less padding changes nothing but rounding."""
    counts_padding = model.loss is not None and model.loss.reduction == "mean_all"
    return model.input_shape[1] is None and not counts_padding and not any(map(_needs_padding, model.layers))


def _needs_padding(layer):
    """Say whether the place of a layer's valid outputs depends on the padding."""
    layer = getattr(layer, "layer", layer)
    if isinstance(layer, Concatenate):
        return layer.axis % len(layer.output_shape) == 1
    return isinstance(layer, Flatten) or (getattr(layer, "go_backwards", False) and layer.return_sequences)


def _has_steps(shape):
    """Say whether outputs of a shape, or of a list of shapes, have the steps of the inputs, whose number is free."""
    shape = shape[0] if isinstance(shape, list) else shape
    return len(shape) > 2 and shape[1] is None


def join(parts: Sequence[np.ndarray], places: Sequence[Any], steps: int | None = None) -> np.ndarray:
    """Return an output of all batches at the places of their rows, with zeros behind batches of fewer steps.

    With ``steps`` it has so many, if it has steps at all.
    """
    widest = max(parts, key=lambda part: part.shape[1:])
    shape = widest.shape[1:]
    # final states have no steps
    if steps is not None and len(shape) > 1:
        shape = (steps, *shape[1:])
    joined = np.zeros((sum(map(len, parts)), *shape), widest.dtype)
    for part, rows in zip(parts, places, strict=True):
        joined[(rows, *map(slice, part.shape[1:]))] = part
    return joined
