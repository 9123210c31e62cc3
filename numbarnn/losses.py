"""Losses: means over the batch (and over time), with their gradients.

``loss(y_true, y_pred)`` is the value, ``loss.value_and_gradient(y_true, y_pred)`` also gives dL/dy_pred. Predictions
are arrays (batch, ..., outputs) of float32 or float64; gradients keep their dtype. Labels have exactly the shape
of the predictions, or are integers of rank one less; nothing is ever broadcast. The loss of an empty batch is 0.

Losses on probabilities clip them to [1e-7, 1 - 1e-7] as Keras does, and their gradient is zero where they are clipped:
a network that is certain and wrong cannot recover. Behind a last softmax (sigmoid) a model therefore computes
them from that activation's inputs instead, unless ``legacy_clip=True`` asks for Keras' form.
"""

import numpy as np

from .errors import Checked, InputError

EPSILON = 1e-7  # Keras' clip of probabilities


class Loss(Checked):
    """A loss; subclasses define ``value_and_gradient(y_true, y_pred) -> (float, array)``."""

    activation = None  # the last activation of a model that this loss can take over
    from_logits = False
    legacy_clip = False

    def __init__(self):
        """No options."""

    def __call__(self, y_true, y_pred):
        """The loss as a float."""
        return self.value_and_gradient(y_true, y_pred)[0]

    def value_and_gradient(self, y_true, y_pred):
        raise NotImplementedError

    def __repr__(self):
        options = ", ".join(f"{name}={value}" for name, value in vars(self).items() if value)
        return f"{type(self).__name__}({options})"


class _CrossEntropy(Loss):
    def __init__(self, from_logits=False, *, legacy_clip=False):
        if from_logits and legacy_clip:
            raise InputError(f"{type(self).__name__}: legacy_clip is about probabilities, from_logits has none")
        self.from_logits = bool(from_logits)
        self.legacy_clip = bool(legacy_clip)


class SparseCategoricalCrossentropy(_CrossEntropy):
    """Mean of -ln p[k] over integer labels k of shape (batch, ...), predictions (batch, ..., classes)."""

    activation = "softmax"

    def value_and_gradient(self, y_true, y_pred):
        y_pred = _scores("SparseCategoricalCrossentropy", y_pred)
        labels = class_labels("SparseCategoricalCrossentropy", y_true, y_pred.shape)
        rows, labels = y_pred.reshape(-1, y_pred.shape[-1]), labels.reshape(-1)
        index = np.arange(len(labels)), labels
        if self.from_logits:
            log_p, gradient = _log_softmax(rows)
            gradient[index] -= 1
        else:
            log_p, inside, p, total = _log_clipped(rows)
            slope = np.zeros_like(p)
            slope[index] = np.where(inside[index], -1 / np.clip(p[index], EPSILON, 1), 0)
            gradient = _through_normalisation(slope, p, total)
        return _mean(-log_p[index], gradient, y_pred)


class CategoricalCrossentropy(_CrossEntropy):
    """Mean over rows of -sum y ln p; labels y, one-hot or any weights, have the predictions' shape."""

    activation = "softmax"

    def value_and_gradient(self, y_true, y_pred):
        y_pred = _scores("CategoricalCrossentropy", y_pred)
        y = _same_shape("CategoricalCrossentropy", y_true, y_pred).reshape(-1, y_pred.shape[-1])
        rows = y_pred.reshape(y.shape)
        if self.from_logits:
            log_p, softmax = _log_softmax(rows)
            gradient = softmax * y.sum(axis=-1, keepdims=True) - y
        else:
            log_p, inside, p, total = _log_clipped(rows)
            slope = np.where(inside, -y / np.clip(p, EPSILON, 1), 0)
            gradient = _through_normalisation(slope, p, total)
        return _mean(-(y * log_p).sum(axis=-1), gradient, y_pred)


class BinaryCrossentropy(_CrossEntropy):
    """Mean over all elements of -y ln p - (1 - y) ln(1 - p); labels in [0, 1] of the predictions' shape.

    Predictions (batch, ..., 1) also take integer labels (batch, ...).
    """

    activation = "sigmoid"

    def value_and_gradient(self, y_true, y_pred):
        y_pred = _scores("BinaryCrossentropy", y_pred)
        y = binary_labels("BinaryCrossentropy", y_true, y_pred.shape).astype(y_pred.dtype)
        if self.from_logits:
            values = np.maximum(y_pred, 0) - y_pred * y + np.log1p(np.exp(-np.abs(y_pred)))
            gradient = 0.5 * (np.tanh(0.5 * y_pred) + 1) - y
        else:
            p, inside = _clip(y_pred)
            values = -(y * np.log(p) + (1 - y) * np.log1p(-p))
            gradient = np.where(inside, (p - y) / (p * (1 - p)), 0)
        return _mean(values, gradient, y_pred)


class MeanSquaredError(Loss):
    """Mean of (y_pred - y_true)^2 over all elements; both of one shape."""

    def value_and_gradient(self, y_true, y_pred):
        y_pred = _scores("MeanSquaredError", y_pred)
        difference = y_pred - _same_shape("MeanSquaredError", y_true, y_pred)
        return _mean(difference * difference, 2 * difference, y_pred)


def _scores(name, y_pred):
    y_pred = np.asarray(y_pred)
    if y_pred.dtype not in (np.float32, np.float64) or y_pred.ndim < 2:
        raise InputError(
            f"{name}: expected predictions of shape (batch, ..., outputs) in float32 or float64, "
            f"got {y_pred.dtype} of shape {y_pred.shape}"
        )
    return y_pred


def _same_shape(name, y_true, y_pred):
    y_true = np.asarray(y_true)
    if y_true.shape != y_pred.shape or y_true.dtype.kind not in "fiub":
        raise InputError(
            f"{name}: expected numbers of the shape of the predictions, {y_pred.shape}, "
            f"got {y_true.dtype} of shape {y_true.shape}"
        )
    return y_true.astype(y_pred.dtype, copy=False)


def class_labels(name, y_true, shape):
    """``y_true`` as an array after checking that it holds integers in [0, classes) of shape[:-1]."""
    y_true, classes = np.asarray(y_true), shape[-1]
    if y_true.shape != shape[:-1] or y_true.dtype.kind not in "iu":
        raise InputError(
            f"{name}: expected integer labels of shape {shape[:-1]} for predictions of shape {shape}, "
            f"got {y_true.dtype} of shape {y_true.shape}"
        )
    if y_true.size and not 0 <= y_true.min() <= y_true.max() < classes:
        raise InputError(f"{name}: expected labels from 0 to {classes - 1}, got {y_true.min()} to {y_true.max()}")
    return y_true


def binary_labels(name, y_true, shape):
    """``y_true`` as an array of ``shape`` after checking that it holds labels in [0, 1]."""
    y_true = np.asarray(y_true)
    if y_true.dtype.kind in "iub" and (*y_true.shape, 1) == shape:
        y_true = y_true[..., None]
    if y_true.shape != shape or y_true.dtype.kind not in "fiub":
        rank_less = f", or integers of shape {shape[:-1]}" if shape[-1] == 1 else ""
        raise InputError(
            f"{name}: expected labels of shape {shape}{rank_less}, got {y_true.dtype} of shape {y_true.shape}"
        )
    if y_true.size and not 0 <= y_true.min() <= y_true.max() <= 1:
        raise InputError(f"{name}: expected labels from 0 to 1, got {y_true.min()} to {y_true.max()}")
    return y_true


def _log_softmax(scores):
    """(ln softmax, softmax) over the last axis."""
    log_p = scores - scores.max(axis=-1, keepdims=True)
    exp = np.exp(log_p)
    total = exp.sum(axis=-1, keepdims=True)
    return log_p - np.log(total), exp / total


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


def _mean(values, gradient, y_pred):
    """(mean of values in float64, gradient of that mean in the shape of the predictions)."""
    count = max(1, values.size)
    return float(values.sum(dtype=np.float64)) / count, (gradient / count).reshape(y_pred.shape)


BY_NAME = {
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "binary_crossentropy": BinaryCrossentropy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
}


def get(loss):
    """The loss of that name with its default options, or ``loss`` itself when it is a `Loss`."""
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str) and loss in BY_NAME:
        return BY_NAME[loss]()
    raise InputError(f"loss: expected a Loss or one of {', '.join(BY_NAME)}, got {loss!r}")
