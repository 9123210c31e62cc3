"""Loss and metrics of a batch that has gone through a chain of layers."""

from typing import NamedTuple

import numpy as np

from .errors import InputError


class Measured(NamedTuple):
    """`values` [loss, metrics ...] and their `weight` in means over batches; `gradient` of the loss for
    `ChainPass.backward`, with its `options`."""

    values: list
    weight: int
    gradient: np.ndarray
    options: dict


def measure(run, y, loss, metrics, from_pre_activation):
    """The `Measured` of a `ChainPass` with labels y; the loss may start from the last layer's pre-activation.

    Under a mask only valid steps count: they go into loss and metrics one after another, as rows. The weight is
    the number of these rows, or of the samples.
    """
    scores, output, weight = run.pre_activation if from_pre_activation else run.output, run.output, len(run.output)
    if run.mask is not None:
        if y.shape[: run.mask.ndim] != run.mask.shape:
            raise InputError(f"labels: expected some for each step of the mask {run.mask.shape}, got shape {y.shape}")
        y, output = y[run.mask], output[run.mask]
        weight = len(output)
    with np.errstate(all="ignore"):
        value, gradient = loss.value_and_gradient(y, scores if run.mask is None else scores[run.mask])
        values = [value, *(float(metric(y, output)) for metric in metrics)]
    if run.mask is not None:
        gradient, of_valid = np.zeros_like(scores), gradient
        gradient[run.mask] = of_valid
    return Measured(values, weight, gradient, {"from_pre_activation": True} if from_pre_activation else {})
