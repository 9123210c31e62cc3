"""Loss and metrics of a batch that has gone through a chain of layers."""

import math
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError
from .base import Loss, spread


class Measured(NamedTuple):
    """Loss and metrics of a batch, and the gradient of the loss."""

    # loss, losses of several outputs, metrics ...
    values: list[float]
    # of these values in means over batches
    weights: list[float]
    # of the loss, for `ForwardPass.backward`; of several outputs a tuple
    gradient: Any
    # of `ForwardPass.backward`
    options: dict[str, Any]


def measure(run, y, loss, metrics, from_pre_activation, weights=None):
    """The `Measured` of a `ForwardPass` with labels y; the loss may start from the last layer's pre-activation.

    Under a mask only valid steps count: they go into loss and metrics one after another, as rows. ``weights`` of
    samples (batch,) or of steps too (batch, steps) are the loss's alone.
    """
    scores, output, mask = run.pre_activation if from_pre_activation else run.outputs, run.outputs, run.mask
    shape, extra = output.shape[:-1] if mask is None else mask.shape, ()
    rows = all_rows = math.prod(shape)
    if weights is not None:
        weights = spread("sample_weight", weights, shape)
    if mask is not None:
        if y.shape[: mask.ndim] != shape:
            raise InputError(f"labels: expected some for each step of the mask {shape}, got shape {y.shape}")
        y, output = y[mask], output[mask]
        rows = len(output)
        weights = None if weights is None else weights[mask]
    if weights is not None or rows < all_rows:
        extra = weights, all_rows - rows
    with np.errstate(all="ignore"):
        value, gradient = loss.value_and_gradient(y, scores if mask is None else scores[mask], *extra)
        values = [value, *(_share_of_batch(metric, y, output) for metric in metrics)]
    if mask is not None:
        gradient, of_valid = np.zeros_like(scores), gradient
        gradient[mask] = of_valid
    weight = rows if weights is None else float(weights.sum(dtype=np.float64))
    shares = [loss.divisor(weight, all_rows) if isinstance(loss, Loss) else weight]
    shares += [1 if hasattr(metric, "sums") else rows for metric in metrics]
    return Measured(values, shares, gradient, {"from_pre_activation": True} if from_pre_activation else {})


def _share_of_batch(metric, y, output):
    """Return what a batch adds to a metric: its sums, or its value."""
    return metric.sums(y, output) if hasattr(metric, "sums") else float(metric(y, output))
