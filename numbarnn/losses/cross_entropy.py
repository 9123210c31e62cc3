"""Cross-entropies, from logits or from probabilities.

Those from probabilities clip them to [1e-7, 1 - 1e-7] as Keras does, and their gradient is zero where they are clipped:
a network that is certain and wrong cannot recover. Behind a last softmax (sigmoid) a model therefore computes
them from that activation's inputs instead, unless ``legacy_clip=True`` asks for Keras' form.
"""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from ..errors import InputError
from ..ops.softmax import cross_entropy, softmax
from .base import Loss
from .labels import binary_labels, class_labels, same_shape, scores

EPSILON = 1e-7  # Keras' clip of probabilities


@dataclass(eq=False, repr=False)
class CrossEntropy(Loss):
    """What the three of them share."""

    from_logits: bool = False
    _: KW_ONLY
    legacy_clip: bool = False

    def __post_init__(self):
        super().__post_init__()
        if self.from_logits and self.legacy_clip:
            raise InputError(f"{type(self).__name__}: legacy_clip is about probabilities, from_logits has none")


@dataclass(eq=False, repr=False)
class SparseCategoricalCrossentropy(CrossEntropy):
    """-ln p[k] for integer labels k of shape (batch, ...), predictions (batch, ..., classes)."""

    activation = "softmax"

    def terms(self, y_true, y_pred):
        y_pred = scores("SparseCategoricalCrossentropy", y_pred)
        labels = class_labels("SparseCategoricalCrossentropy", y_true, y_pred.shape)
        if self.from_logits:
            return cross_entropy(y_pred, labels)
        log_p, inside, p, total = _log_clipped(y_pred.reshape(-1, y_pred.shape[-1]))
        index, slope = (np.arange(len(p)), labels.reshape(-1)), np.zeros_like(p)
        slope[index] = np.where(inside[index], -1 / np.clip(p[index], EPSILON, 1), 0)
        gradient = _through_normalisation(slope, p, total)
        return -log_p[index].reshape(labels.shape), gradient.reshape(y_pred.shape)


@dataclass(eq=False, repr=False)
class CategoricalCrossentropy(CrossEntropy):
    """-sum y ln p of each row; labels y, one-hot or any weights, have the predictions' shape."""

    activation = "softmax"

    def terms(self, y_true, y_pred):
        y_pred = scores("CategoricalCrossentropy", y_pred)
        y = same_shape("CategoricalCrossentropy", y_true, y_pred)
        if self.from_logits:
            log_p, softmax = _log_softmax(y_pred)
            gradient = softmax * y.sum(axis=-1, keepdims=True) - y
        else:
            log_p, inside, p, total = _log_clipped(y_pred)
            slope = np.where(inside, -y / np.clip(p, EPSILON, 1), 0)
            gradient = _through_normalisation(slope, p, total)
        return -(y * log_p).sum(axis=-1), gradient


@dataclass(eq=False, repr=False)
class BinaryCrossentropy(CrossEntropy):
    """Mean over each row of -y ln p - (1 - y) ln(1 - p); labels in [0, 1] of the predictions' shape.

    Predictions (batch, ..., 1) also take integer labels (batch, ...).
    """

    activation = "sigmoid"

    def terms(self, y_true, y_pred):
        y_pred = scores("BinaryCrossentropy", y_pred)
        y = binary_labels("BinaryCrossentropy", y_true, y_pred.shape).astype(y_pred.dtype)
        if self.from_logits:
            values = np.maximum(y_pred, 0) - y_pred * y + np.log1p(np.exp(-np.abs(y_pred)))
            gradient = 0.5 * (np.tanh(0.5 * y_pred) + 1) - y
        else:
            p, inside = _clip(y_pred)
            values = -(y * np.log(p) + (1 - y) * np.log1p(-p))
            gradient = np.where(inside, (p - y) / (p * (1 - p)), 0)
        return values.mean(axis=-1), gradient / y_pred.shape[-1]


def _log_softmax(scores):
    """(ln softmax, softmax) over the last axis."""
    p, greatest, total = softmax(scores)
    return scores - greatest - np.log(total), p


def _clip(p):
    """Probabilities clipped to [EPSILON, 1 - EPSILON] and where the clip lets a gradient through."""
    epsilon = p.dtype.type(EPSILON)
    clipped = np.clip(p, epsilon, 1 - epsilon)
    return clipped, ~((p < epsilon) | (p > 1 - epsilon))  # in this form a NaN passes


def _log_clipped(p):
    """ln of the clipped, normalised probabilities; where the clip let them through; they; their sum before."""
    total = p.sum(axis=-1, keepdims=True)
    p = p / total
    clipped, inside = _clip(p)
    return np.log(clipped), inside, p, total


def _through_normalisation(slope, p, total):
    """Gradient with respect to q, where p = q / sum(q) and slope is the gradient with respect to p."""
    return (slope - (slope * p).sum(axis=-1, keepdims=True)) / total
