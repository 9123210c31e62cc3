"""Weights of samples and steps in the loss."""

import numpy as np

from ..errors import InputError
from ..losses import BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy
from ..losses.base import finite_weights
from ..utils.columns import Columns, by_name


def weights_of(caller, y, sample_weight, class_weight, objectives, dtype):
    """Return the weights of labels, those of several outputs as `Columns`; None if none are given."""
    if len(objectives) == 1:
        return checked(caller, y, sample_weight, class_weight, objectives[0].loss, dtype)
    if class_weight is not None:
        raise InputError(f"{caller}: expected no class_weight for several outputs, got {class_weight!r}")
    if sample_weight is None:
        return None
    names, each = [objective.name for objective in objectives], isinstance(sample_weight, list | tuple | dict)
    given = by_name(caller, "sample_weight", names, sample_weight) if each else [sample_weight] * len(names)
    parts = []
    for objective, labels, weights in zip(objectives, y.parts, given, strict=True):
        if each and objective.loss is None and weights is not None:
            raise InputError(f"{caller}: expected no sample_weight of {objective.name}, which has no loss, got one")
        known = None if objective.loss is None else checked(caller, labels, weights, None, objective.loss, dtype)
        parts.append(known)
    return Columns(parts) if any(part is not None for part in parts) else None


def checked(caller, y, sample_weight, class_weight, loss, dtype):
    """Return the weights of labels y, (batch,) or (batch, steps ...), or None if neither kind is given.

    ``sample_weight`` holds finite numbers of at least 0; ``class_weight`` {class: such a number}, 1 for classes that
    it does not name. Both together multiply. A cross-entropy knows where in y the classes are.
    """
    weights = None if sample_weight is None else finite_weights(caller, "sample_weight", sample_weight).astype(dtype)
    if weights is not None and (weights.ndim == 0 or weights.shape != y.shape[: weights.ndim]):
        shapes = f"({y.shape[0]},)" + (f" or {y.shape[:2]}" if y.ndim > 1 else "")
        raise InputError(f"{caller}: expected sample_weight of shape {shapes}, got {weights.shape}")
    if class_weight is None:
        return weights
    of_classes = _by_class(caller, y, class_weight, loss, dtype)
    if weights is None:
        return of_classes
    return of_classes * weights.reshape(*weights.shape, *[1] * (of_classes.ndim - weights.ndim))


def _by_class(caller, y, class_weight, loss, dtype):
    if not isinstance(class_weight, dict):
        raise InputError(f"{caller}: expected class_weight to be {{class: weight}}, got {class_weight!r}")
    classes = _classes(caller, y, loss)
    weights = np.ones(classes.shape, dtype)
    for label, weight in class_weight.items():
        weights[classes == label] = finite_weights(caller, "class_weight", weight)
    return weights


def _classes(caller, y, loss):
    if isinstance(loss, CategoricalCrossentropy):
        return y.argmax(axis=-1)
    if isinstance(loss, BinaryCrossentropy):
        return y[..., 0] if y.ndim > 1 and y.shape[-1] == 1 else y
    if isinstance(loss, SparseCategoricalCrossentropy):
        return y
    raise InputError(f"{caller}: class_weight expects a cross-entropy as the loss, got {loss!r}")
