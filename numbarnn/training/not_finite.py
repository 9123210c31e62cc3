"""Why a loss or a gradient is not finite: looked for once that has happened, so that training pays nothing for it."""

from typing import Any

import numpy as np

from ..errors import InputError
from ..utils.columns import Columns
from ..utils.padded import values_and_mask
from .batches import Data

AXES = {2: "(row, feature)", 3: "(row, step, feature)"}


def cause(model: Any, batch: Data, rows: Any, number: int | None = None) -> str:
    """Name the first number of a batch, made of these rows of the data, that is not finite, or what else is wrong.

    ``number`` is that of a batch out of an iterable, whose rows are counted in the batch.
    """
    samples = np.arange(rows.stop)[rows] if isinstance(rows, slice) else rows
    # of an encoder-decoder
    inputs = getattr(batch.x, "source", batch.x)
    values, _ = values_and_mask(inputs)
    arrays = _by_name("x", getattr(model, "input_names", ()), values)
    found = next(filter(None, (_in_data(*named, samples) for named in arrays)), None)
    found = found or _in_labels(model, batch, samples)
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


def _by_name(what, names, arrays):
    """List the arrays of several inputs or outputs, or the one that there is, with what to call them."""
    if not isinstance(arrays, tuple):
        return [(what, arrays)]
    named = zip(names, arrays, strict=True)
    return [(f"{what}[{name!r}]", array) for name, array in named if array is not None]


def _in_labels(model, batch, samples):
    """Return a sentence about the first label that is not finite and counts."""
    labels = batch.y.parts if isinstance(batch.y, Columns) else batch.y
    arrays = [np.asarray(array) for _, array in _by_name("y", model.output_names, labels)]
    if not any(array.dtype.kind == "f" and not np.isfinite(array).all() for array in arrays):
        return None
    masks = _mask_of_outputs(model, batch.x)
    masks = masks if isinstance(labels, tuple) else [masks]
    parts = labels if isinstance(labels, tuple) else [labels]
    hidden = tuple(_without_hidden(part, mask) for part, mask in zip(parts, masks, strict=True))
    named = _by_name("y", model.output_names, hidden if isinstance(labels, tuple) else hidden[0])
    return next(filter(None, (_in_data(*each, samples) for each in named)), None)


def _without_hidden(labels, mask):
    """Return labels with zeros where they do not count."""
    if labels is None or mask is None or np.shape(labels)[: mask.ndim] != mask.shape:
        return labels
    labels = np.asarray(labels)
    return np.where(mask.reshape(*mask.shape, *[1] * (labels.ndim - mask.ndim)), labels, 0)


def _mask_of_outputs(model, x):
    """Return the mask of the outputs, from a pass that no stateful layer remembers."""
    if hasattr(x, "source"):
        return x.mask
    with model._states_kept():
        model.reset_states()
        return model._forward(x).mask
