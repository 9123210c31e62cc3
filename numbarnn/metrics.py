"""Metrics: functions ``(y_true, y_pred) -> float``, means over the batch (and over time).

``y_pred`` is what the model predicts, (batch, ..., outputs). A target whose score is not finite counts as wrong. Over
several batches the mean counts; a metric with a method ``of_mean`` then makes its result of it, as perplexity does.
"""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from . import losses
from .errors import Checked, InputError
from .losses.labels import binary_labels, class_labels, same_shape


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
    return sparse_categorical_accuracy(_largest("categorical_accuracy", y_true, y_pred), y_pred)


def binary_accuracy(y_true, y_pred, threshold=0.5):
    """Share of labels in [0, 1] that are on the same side as the prediction: above ``threshold`` means 1."""
    y_pred = np.asarray(y_pred)
    labels = binary_labels("binary_accuracy", y_true, y_pred.shape)
    return _share(((y_pred > threshold) == (labels > 0.5)) & np.isfinite(y_pred))


def keras2_binary_accuracy(y_true, y_pred):
    """Share of labels equal to the prediction rounded half to even, as in Keras 2 (a half is 0, and so is -0.5)."""
    y_pred = np.asarray(y_pred)
    labels = binary_labels("keras2_binary_accuracy", y_true, y_pred.shape)
    return _share(np.round(y_pred) == labels)


@dataclass(frozen=True)
class SparseTopKCategoricalAccuracy(Checked):
    """`in_top_k` with this ``k``."""

    k: int = 5
    _: KW_ONLY
    name: str = "sparse_top_k_categorical_accuracy"

    def __post_init__(self):
        if isinstance(self.k, bool) or not isinstance(self.k, int | np.integer) or self.k < 1:
            raise InputError(f"{type(self).__name__}: expected k to be a positive integer, got {self.k!r}")

    def __call__(self, y_true, y_pred):
        return in_top_k(y_true, y_pred, self.k)


@dataclass(frozen=True)
class TopKCategoricalAccuracy(SparseTopKCategoricalAccuracy):
    """The same for labels of the predictions' shape, whose largest is meant."""

    name: str = "top_k_categorical_accuracy"

    def __call__(self, y_true, y_pred):
        return in_top_k(_largest("TopKCategoricalAccuracy", y_true, y_pred), y_pred, self.k)


@dataclass(frozen=True)
class Perplexity(Checked):
    """exp of the mean cross-entropy of integer labels, or of labels of the predictions' shape."""

    from_logits: bool = False
    _: KW_ONLY
    name: str = "perplexity"

    def __call__(self, y_true, y_pred):
        """The mean cross-entropy."""
        sparse = np.ndim(y_true) < np.ndim(y_pred)
        loss = losses.SparseCategoricalCrossentropy if sparse else losses.CategoricalCrossentropy
        return loss(self.from_logits)(y_true, y_pred)

    def of_mean(self, cross_entropy):
        with np.errstate(over="ignore"):
            return float(np.exp(cross_entropy))


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


def _largest(name, y_true, y_pred):
    """The place of the largest label in each row."""
    return same_shape(name, y_true, np.asarray(y_pred)).argmax(axis=-1)


def _score_of(labels, y_pred):
    """Scores of the labelled classes, (..., 1)."""
    return np.take_along_axis(y_pred, labels[..., None].astype(np.intp), axis=-1)


def _share(correct):
    return np.count_nonzero(correct) / max(1, correct.size)


BY_NAME = {
    "sparse_categorical_accuracy": sparse_categorical_accuracy,
    "categorical_accuracy": categorical_accuracy,
    "binary_accuracy": binary_accuracy,
    "keras2_binary_accuracy": keras2_binary_accuracy,
    "in_top_k": in_top_k,
    "sparse_top_k_categorical_accuracy": SparseTopKCategoricalAccuracy(),
    "top_k_categorical_accuracy": TopKCategoricalAccuracy(),
    "mean_squared_error": losses.MeanSquaredError(),
    "mse": losses.MeanSquaredError(),
    "mean_absolute_error": losses.MeanAbsoluteError(),
    "mae": losses.MeanAbsoluteError(),
}
BY_LOSS = ("accuracy", "acc", "perplexity")


def get(metric, loss):
    """(name, function) of a metric given by name or as a function; what stands in BY_LOSS depends on ``loss``."""
    if callable(metric):
        return getattr(metric, "name", None) or getattr(metric, "__name__", type(metric).__name__), metric
    if metric == "perplexity":
        if isinstance(loss, losses.SparseCategoricalCrossentropy | losses.CategoricalCrossentropy):
            return metric, Perplexity(loss.from_logits)
        raise InputError(f"metric: perplexity expects a cross-entropy of classes as the loss, got {loss!r}")
    if isinstance(metric, str) and metric in BY_LOSS:
        return metric, accuracy(loss)
    if isinstance(metric, str) and metric in BY_NAME:
        return metric, BY_NAME[metric]
    names = ", ".join((*BY_LOSS, *BY_NAME))
    raise InputError(f"metric: expected a function (y_true, y_pred) -> float or one of {names}, got {metric!r}")


def by_name(given, loss):
    """{name: function} of a list of metrics."""
    if isinstance(given, str):
        raise InputError(f"compile: expected a list of metrics, got {given!r}")
    named = [get(metric, loss) for metric in given]
    names = ["loss", *(name for name, _ in named)]
    if len(set(names)) < len(names):
        raise InputError(f"compile: expected metrics of different names, and none called loss, got {names[1:]}")
    return dict(named)
