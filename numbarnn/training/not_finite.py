"""Why a loss or a gradient is not finite: looked for once that has happened, so that training pays nothing for it."""

from typing import Any

import numpy as np

from ..errors import InputError
from ..layers.stateless import with_states
from ..utils.padded import values_and_mask
from .batches import Data
from .forward_pass import forward

AXES = {2: "(row, feature)", 3: "(row, step, feature)"}


def cause(model: Any, batch: Data, rows: Any, number: int | None = None) -> str:
    """Name the first number of a batch, made of these rows of the data, that is not finite, or what else is wrong.

    ``number`` is that of a batch out of an iterable, whose rows are counted in the batch.
    """
    samples = np.arange(rows.stop)[rows] if isinstance(rows, slice) else rows
    # of an encoder-decoder
    inputs = getattr(batch.x, "source", batch.x)
    found = _in_data("x", values_and_mask(inputs)[0], samples) or _in_labels(model, batch, samples)
    if found is not None:
        return found if number is None else f"in batch {number}, {found}"
    for name, weight in model.weights.items():
        if not np.isfinite(weight).all():
            return f"the data of this batch are finite, but not the weight {name}"
    try:
        model.optimizer.rate()
    except InputError as error:
        return str(error)
    return (
        "the data of this batch and all weights are finite, so a number grew too large in the pass; a smaller learning "
        "rate or clip_global_norm may help"
    )


def _in_data(name, array, samples):
    """Return a sentence about the first number that is not finite; None if all are."""
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return None
    at = tuple(np.argwhere(~np.isfinite(array))[0])
    place = ", ".join(map(str, (samples[at[0]], *at[1:])))
    axes = AXES.get(array.ndim, "(row, ...)")
    return f"{name}[{place}] {axes} is {array[at]}, read as {array.dtype}"


def _in_labels(model, batch, samples):
    """Return a sentence about the first label that is not finite and counts."""
    labels = np.asarray(batch.y)
    if labels.dtype.kind != "f" or np.isfinite(labels).all():
        return None
    mask = _mask_of_outputs(model, batch.x)
    if mask is not None and labels.shape[: mask.ndim] == mask.shape:
        labels = np.where(mask.reshape(*mask.shape, *[1] * (labels.ndim - mask.ndim)), labels, 0)
    return _in_data("y", labels, samples)


def _mask_of_outputs(model, x):
    """Return the mask of the outputs, from a pass that no stateful layer remembers."""
    if hasattr(x, "source"):
        return x.mask
    values, mask = values_and_mask(x)
    with np.errstate(all="ignore"):
        return forward(with_states(model.layers), values, mask=mask).mask
