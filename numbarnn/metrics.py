"""Metrics: functions ``(y_true, y_pred) -> float``, means over the batch (and over time).

``y_pred`` is what the model predicts, (batch, ..., outputs). A target whose score is not finite counts as wrong.
"""

import numpy as np

from . import losses
from .errors import InputError
from .losses import binary_labels, class_labels


def in_top_k(y_true, y_pred, k=1):
    """Share of integer labels with fewer than ``k`` strictly larger scores: ties count as correct (TensorFlow 1)."""
    y_pred = np.asarray(y_pred)
    scores = _score_of(class_labels("in_top_k", y_true, y_pred.shape), y_pred)
    return _share(((y_pred > scores).sum(axis=-1) < k) & np.isfinite(scores[..., 0]))


def sparse_categorical_accuracy(y_true, y_pred):
    """Share of integer labels that have the largest score; the first of equal scores wins."""
    y_pred = np.asarray(y_pred)
    labels = class_labels("sparse_categorical_accuracy", y_true, y_pred.shape)
    return _share((y_pred.argmax(axis=-1) == labels) & np.isfinite(_score_of(labels, y_pred)[..., 0]))


def categorical_accuracy(y_true, y_pred):
    """Share of rows whose largest label has the largest score; the first of equal ones wins on both sides."""
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.shape != y_pred.shape:
        raise InputError(f"categorical_accuracy: expected labels of shape {y_pred.shape}, got {y_true.shape}")
    return sparse_categorical_accuracy(y_true.argmax(axis=-1), y_pred)


def binary_accuracy(y_true, y_pred, threshold=0.5):
    """Share of labels in [0, 1] that are on the same side as the prediction: above ``threshold`` means 1."""
    y_pred = np.asarray(y_pred)
    labels = binary_labels("binary_accuracy", y_true, y_pred.shape)
    return _share(((y_pred > threshold) == (labels > 0.5)) & np.isfinite(y_pred))


def accuracy(loss):
    """The accuracy that goes with ``loss``, or, for a loss that is no cross-entropy, with the shapes.

    Behind a binary cross-entropy with ``from_logits`` the threshold is 0, the logit of a half.
    """
    if isinstance(loss, losses.SparseCategoricalCrossentropy):
        return sparse_categorical_accuracy
    if isinstance(loss, losses.CategoricalCrossentropy):
        return categorical_accuracy
    if isinstance(loss, losses.BinaryCrossentropy):
        threshold = 0.0 if loss.from_logits else 0.5
        return lambda y_true, y_pred: binary_accuracy(y_true, y_pred, threshold)
    return _accuracy_by_shape


def _accuracy_by_shape(y_true, y_pred):
    if y_pred.shape[-1] == 1:
        return binary_accuracy(y_true, y_pred)
    if np.ndim(y_true) < np.ndim(y_pred):
        return sparse_categorical_accuracy(y_true, y_pred)
    return categorical_accuracy(y_true, y_pred)


def _score_of(labels, y_pred):
    """Scores of the labelled classes, (..., 1)."""
    return np.take_along_axis(y_pred, labels[..., None].astype(np.intp), axis=-1)


def _share(correct):
    return np.count_nonzero(correct) / max(1, correct.size)


BY_NAME = {
    "sparse_categorical_accuracy": sparse_categorical_accuracy,
    "categorical_accuracy": categorical_accuracy,
    "binary_accuracy": binary_accuracy,
    "mean_squared_error": losses.MeanSquaredError(),
    "mse": losses.MeanSquaredError(),
}


def get(metric, loss):
    """(name, function) of a metric given by name or as a function; 'accuracy' and 'acc' depend on ``loss``."""
    if callable(metric):
        return getattr(metric, "__name__", type(metric).__name__), metric
    if metric in ("accuracy", "acc"):
        return metric, accuracy(loss)
    if isinstance(metric, str) and metric in BY_NAME:
        return metric, BY_NAME[metric]
    names = ", ".join(("accuracy", "acc", *BY_NAME))
    raise InputError(f"metric: expected a function (y_true, y_pred) -> float or one of {names}, got {metric!r}")
