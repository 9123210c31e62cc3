"""Cross-entropies, from logits or from probabilities.

Those from probabilities clip them to [1e-7, 1 - 1e-7] as Keras does, and their gradient is zero where they are clipped:
a network that is certain and wrong cannot recover. Behind a last softmax (sigmoid) a model therefore computes
them from that activation's inputs instead, unless ``legacy_clip=True`` asks for Keras' form.
"""

from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..maths import sigmoid
from ..ops.softmax import cross_entropy, softmax
from ..utils.docs import inherit_parameters
from .base import Loss
from .labels import binary_labels, class_labels, same_shape, scores

# Keras' clip of probabilities
EPSILON = 1e-7


@inherit_parameters
@dataclass(eq=False, repr=False)
class CrossEntropy(Loss):
    """Base class of the cross-entropies.

    Parameters
    ----------
    from_logits : bool, default False
        Whether predictions are logits and not probabilities.
    legacy_clip : bool, default False
        Whether a model computes the loss from probabilities, clipped to [1e-7, 1 - 1e-7], as Keras does. By default
        it starts from the inputs of a last softmax or sigmoid, and no gradient is lost to the clip.

    Raises
    ------
    InputError
        An option is unknown or out of its range, or both ``from_logits`` and ``legacy_clip`` are true.
    """

    from_logits: bool = False
    _: KW_ONLY
    legacy_clip: bool = False

    def __post_init__(self):
        super().__post_init__()
        if self.from_logits and self.legacy_clip:
            raise InputError(f"{type(self).__name__}: legacy_clip is about probabilities, from_logits has none")


@inherit_parameters
@dataclass(eq=False, repr=False)
class SparseCategoricalCrossentropy(CrossEntropy):
    """Cross-entropy -ln p[k] of integer labels k (batch, ...) with predictions p (batch, ..., classes)."""

    activation = "softmax"

    @property
    def arrays_at_once(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As of every loss."""
        return 2 if self.from_logits else 5.3

    def terms(self, y_true: "ArrayLike", y_pred: "ArrayLike") -> tuple[np.ndarray, np.ndarray]:
        y_pred = scores("SparseCategoricalCrossentropy", y_pred)
        labels = class_labels("SparseCategoricalCrossentropy", y_true, y_pred.shape)
        if self.from_logits:
            return cross_entropy(y_pred, labels)
        log_p, inside, p, total = _log_clipped(y_pred.reshape(-1, y_pred.shape[-1]))
        index, slope = (np.arange(len(p)), labels.reshape(-1)), np.zeros_like(p)
        slope[index] = np.where(inside[index], -1 / np.clip(p[index], EPSILON, 1), 0)
        gradient = _through_normalisation(slope, p, total)
        return -log_p[index].reshape(labels.shape), gradient.reshape(y_pred.shape)


@inherit_parameters
@dataclass(eq=False, repr=False)
class CategoricalCrossentropy(CrossEntropy):
    """Cross-entropy -sum y ln p of labels y with predictions p, both (batch, ..., classes).

    Labels are one-hot or any weights.
    """

    activation = "softmax"

    @property
    def arrays_at_once(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As of every loss."""
        return 4 if self.from_logits else 5.3

    def terms(self, y_true: "ArrayLike", y_pred: "ArrayLike") -> tuple[np.ndarray, np.ndarray]:
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


@inherit_parameters
@dataclass(eq=False, repr=False)
class BinaryCrossentropy(CrossEntropy):
    """Binary cross-entropy -y ln p - (1 - y) ln(1 - p), as a mean over each row.

    Labels y in [0, 1] have the shape of the predictions p, (batch, ..., outputs). Predictions (batch, ..., 1) also take
    integer labels (batch, ...).
    """

    activation = "sigmoid"

    @property
    def arrays_at_once(self) -> float:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As of every loss."""
        return 4 if self.from_logits else 6.25

    def terms(self, y_true: "ArrayLike", y_pred: "ArrayLike") -> tuple[np.ndarray, np.ndarray]:
        y_pred = scores("BinaryCrossentropy", y_pred)
        y = binary_labels("BinaryCrossentropy", y_true, y_pred.shape).astype(y_pred.dtype)
        if self.from_logits:
            values = np.maximum(y_pred, 0) - y_pred * y + np.log1p(np.exp(-np.abs(y_pred)))
            gradient = sigmoid(y_pred) - y
        else:
            p, inside = _clip(y_pred)
            values = -(y * np.log(p) + (1 - y) * np.log1p(-p))
            gradient = np.where(inside, (p - y) / (p * (1 - p)), 0)
        return values.mean(axis=-1), gradient / y_pred.shape[-1]


def _log_softmax(scores):
    """Compute (ln softmax, softmax) over the last axis."""
    p, greatest, total = softmax(scores)
    return scores - greatest - np.log(total), p


def _clip(p):
    """Clip probabilities to [EPSILON, 1 - EPSILON], and tell where the clip lets a gradient through."""
    epsilon = p.dtype.type(EPSILON)
    clipped = np.clip(p, epsilon, 1 - epsilon)
    # in this form a NaN passes
    return clipped, ~((p < epsilon) | (p > 1 - epsilon))


def _log_clipped(p):
    """Normalise and clip: (ln of the result, where the clip lets a gradient through, probabilities, sum before)."""
    total = p.sum(axis=-1, keepdims=True)
    p = p / total
    clipped, inside = _clip(p)
    return np.log(clipped), inside, p, total


def _through_normalisation(slope, p, total):
    """Compute the gradient with respect to q from that with respect to p = q / sum(q)."""
    return (slope - (slope * p).sum(axis=-1, keepdims=True)) / total
