"""Metrics: functions ``(y_true, y_pred) -> float``, means over the batch (and over time).

``y_pred`` is what the model predicts, (batch, ..., outputs). A target whose score is not finite counts as wrong. Over
several batches the mean counts; a metric with a method ``of_mean`` makes its result of it, as perplexity does. A metric
that is no mean, such as F1, has methods ``sums(y_true, y_pred)`` -> array and ``of_sums(sums)`` -> float: its arrays
are summed over the batches.
"""

from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from . import losses
from .errors import InputError
from .losses.labels import binary_labels, class_labels, same_shape
from .utils.arrays import plain_array
from .utils.config import Configured
from .utils.docs import inherit_parameters

Metric: TypeAlias = Callable[[np.ndarray, np.ndarray], float]


def in_top_k(y_true: "ArrayLike", y_pred: "ArrayLike", k: int = 1) -> float:
    """Count the share of labels with fewer than ``k`` strictly larger scores: ties are correct, as in TensorFlow 1.

    Parameters
    ----------
    y_true : array_like
        Integer labels (batch, ...) from 0 to classes - 1.
    y_pred : array_like
        Scores or probabilities (batch, ..., classes).
    k : int, optional
        Number of best scores that count as correct.

    Returns
    -------
    float
        From 0 to 1; 0 for an empty batch.

    Raises
    ------
    InputError
        Labels do not fit the predictions.

    Notes
    -----
    TensorFlow 1 has the predictions first. That order is understood too: predictions have one axis more than labels.
    """
    if np.ndim(y_true) == np.ndim(y_pred) + 1:
        y_true, y_pred = y_pred, y_true
    y_pred = plain_array("in_top_k", "predictions", y_pred)
    scores = _score_of(class_labels("in_top_k", y_true, y_pred.shape), y_pred)
    return _share(((y_pred > scores).sum(axis=-1) < k) & np.isfinite(scores[..., 0]))


def sparse_categorical_accuracy(y_true: "ArrayLike", y_pred: "ArrayLike") -> float:
    """Count the share of integer labels that have the largest score; the first of equal scores wins.

    Parameters
    ----------
    y_true : array_like
        Integer labels (batch, ...) from 0 to classes - 1.
    y_pred : array_like
        Scores or probabilities (batch, ..., classes).

    Returns
    -------
    float
        From 0 to 1; 0 for an empty batch.

    Raises
    ------
    InputError
        Labels do not fit the predictions.
    """
    y_pred = plain_array("sparse_categorical_accuracy", "predictions", y_pred)
    labels = class_labels("sparse_categorical_accuracy", y_true, y_pred.shape)
    return _share((y_pred.argmax(axis=-1) == labels) & np.isfinite(_score_of(labels, y_pred)[..., 0]))


def categorical_accuracy(y_true: "ArrayLike", y_pred: "ArrayLike") -> float:
    """Count the share of rows whose largest label has the largest score; the first of equal ones wins on both sides.

    Parameters
    ----------
    y_true : array_like
        Labels (batch, ..., classes), such as one-hot vectors.
    y_pred : array_like
        Scores or probabilities (batch, ..., classes).

    Returns
    -------
    float
        From 0 to 1; 0 for an empty batch.

    Raises
    ------
    InputError
        Labels do not fit the predictions.
    """
    return sparse_categorical_accuracy(_largest("categorical_accuracy", y_true, y_pred), y_pred)


def binary_accuracy(y_true: "ArrayLike", y_pred: "ArrayLike", threshold: float = 0.5) -> float:
    """Count the share of labels that are on the same side as the prediction.

    Parameters
    ----------
    y_true : array_like
        Labels in [0, 1] of the shape of the predictions, or integers (batch, ...) for predictions (batch, ..., 1).
    y_pred : array_like
        Probabilities or scores (batch, ..., outputs).
    threshold : float, optional
        A prediction above it means 1.

    Returns
    -------
    float
        From 0 to 1; 0 for an empty batch.

    Raises
    ------
    InputError
        Labels do not fit the predictions.
    """
    y_pred = plain_array("binary_accuracy", "predictions", y_pred)
    labels = binary_labels("binary_accuracy", y_true, y_pred.shape)
    return _share(((y_pred > threshold) == (labels > 0.5)) & np.isfinite(y_pred))


def keras2_binary_accuracy(y_true: "ArrayLike", y_pred: "ArrayLike") -> float:
    """Count the share of labels equal to the prediction rounded half to even, as in Keras 2 (0.5 and -0.5 become 0).

    Parameters
    ----------
    y_true : array_like
        Labels in [0, 1] of the shape of the predictions, or integers (batch, ...) for predictions (batch, ..., 1).
    y_pred : array_like
        Probabilities (batch, ..., outputs).

    Returns
    -------
    float
        From 0 to 1; 0 for an empty batch.

    Raises
    ------
    InputError
        Labels do not fit the predictions.
    """
    y_pred = plain_array("keras2_binary_accuracy", "predictions", y_pred)
    labels = binary_labels("keras2_binary_accuracy", y_true, y_pred.shape)
    return _share(np.round(y_pred) == labels)


@inherit_parameters
@dataclass(frozen=True)
class SparseTopKCategoricalAccuracy(Configured):
    """Metric `in_top_k` with its ``k``, for integer labels.

    Parameters
    ----------
    k : int, optional
        Number of best scores that count as correct.
    name : str, optional
        Its name in a `History`.

    Raises
    ------
    InputError
        ``k`` is no positive integer.
    """

    k: int = 5
    _: KW_ONLY
    name: str = "sparse_top_k_categorical_accuracy"

    def __post_init__(self):
        if self.k < 1:
            raise InputError(f"{type(self).__name__}: expected k to be a positive integer, got {self.k!r}")

    def __call__(self, y_true: "ArrayLike", y_pred: "ArrayLike") -> float:
        """Count the share of labels with fewer than ``k`` strictly larger scores.

        Parameters
        ----------
        y_true : array_like
            Labels, see the class.
        y_pred : array_like
            Scores or probabilities (batch, ..., classes).

        Returns
        -------
        float
            From 0 to 1; 0 for an empty batch.
        """
        return in_top_k(y_true, y_pred, self.k)


@inherit_parameters
@dataclass(frozen=True)
class TopKCategoricalAccuracy(SparseTopKCategoricalAccuracy):
    """Metric `in_top_k` with its ``k``, for labels of the predictions' shape, of which the largest counts."""

    name: str = "top_k_categorical_accuracy"

    def __call__(self, y_true: "ArrayLike", y_pred: "ArrayLike") -> float:
        return in_top_k(_largest("TopKCategoricalAccuracy", y_true, y_pred), y_pred, self.k)


@dataclass(frozen=True)
class Perplexity(Configured):
    """Metric exp(mean cross-entropy), for integer labels or for labels of the predictions' shape.

    Parameters
    ----------
    from_logits : bool, optional
        Whether predictions are logits and not probabilities.
    name : str, optional
        Its name in a `History`.
    """

    from_logits: bool = False
    _: KW_ONLY
    name: str = "perplexity"

    def __call__(self, y_true: "ArrayLike", y_pred: "ArrayLike") -> float:
        """Compute the mean cross-entropy of a batch, in nats.

        Parameters
        ----------
        y_true : array_like
            Integer labels (batch, ...), or labels (batch, ..., classes).
        y_pred : array_like
            Probabilities or logits (batch, ..., classes), float32 or float64.

        Returns
        -------
        float
            The mean, of which `of_mean` makes the perplexity.
        """
        sparse = np.ndim(y_true) < np.ndim(y_pred)
        loss = losses.SparseCategoricalCrossentropy if sparse else losses.CategoricalCrossentropy
        return loss(self.from_logits)(y_true, y_pred)

    def of_mean(self, cross_entropy: float) -> float:
        """Compute the perplexity from the mean over all batches.

        Parameters
        ----------
        cross_entropy : float
            The mean of what calls returned.

        Returns
        -------
        float
            exp(cross_entropy), infinite where it overflows.
        """
        with np.errstate(over="ignore"):
            return float(np.exp(cross_entropy))


AVERAGES = ("macro", "micro", "weighted")


@dataclass(frozen=True)
class _OfCounts(Configured):
    """A metric of true positives, false positives and false negatives, summed over all batches.

    Parameters
    ----------
    threshold : float, optional
        A prediction above it means the class. None: the largest score means it, or 0.5 for a single output.
    average : {"macro", "micro", "weighted"}, optional
        For several classes: the mean over classes, the value of the counts of all classes, or the mean weighted by the
        number of labels of each class. A single output has one value.
    name : str, optional
        Its name in a `History`.

    Raises
    ------
    InputError
        An option is not one of these.

    Notes
    -----
    A class without any label and prediction has the value 0.
    """

    threshold: float | None = None
    _: KW_ONLY
    average: str = "macro"
    name: str = ""

    def __post_init__(self):
        if self.average not in AVERAGES:
            raise InputError(f"{type(self).__name__}: no average {self.average!r}; there are {', '.join(AVERAGES)}")

    def __call__(self, y_true: "ArrayLike", y_pred: "ArrayLike") -> float:
        """Compute the metric of one batch.

        Parameters
        ----------
        y_true : array_like
            Integer labels (batch, ...), or labels of the shape of the predictions.
        y_pred : array_like
            Probabilities or scores (batch, ..., classes), or (batch, ..., 1).

        Returns
        -------
        float
            From 0 to 1.
        """
        return self.of_sums(self.sums(y_true, y_pred))

    def sums(self, y_true: "ArrayLike", y_pred: "ArrayLike") -> np.ndarray:
        """Count for each class.

        Parameters
        ----------
        y_true, y_pred : array_like
            Labels and predictions of a batch.

        Returns
        -------
        ndarray (3, classes)
            True positives, false positives, false negatives; the counts of several batches add up.
        """
        caller = type(self).__name__
        y_pred = plain_array(caller, "predictions", y_pred)
        classes = y_pred.shape[-1]
        if classes == 1:
            positive = y_pred > (0.5 if self.threshold is None else self.threshold)
            actual = binary_labels(caller, y_true, y_pred.shape) > 0.5
        else:
            every = np.arange(classes)
            largest = y_pred.argmax(axis=-1)[..., None] == every
            positive = largest if self.threshold is None else y_pred > self.threshold
            if np.ndim(y_true) < y_pred.ndim:
                actual = class_labels(caller, y_true, y_pred.shape)[..., None] == every
            else:
                actual = same_shape(caller, y_true, y_pred) > 0.5
        kinds = positive & actual, positive & ~actual, ~positive & actual
        return np.stack([kind.reshape(-1, classes).sum(axis=0) for kind in kinds]).astype(np.float64)

    def of_sums(self, counts: np.ndarray) -> float:
        """Compute the metric from the counts of all batches.

        Parameters
        ----------
        counts : ndarray (3, classes)
            Sums of what `sums` returned.

        Returns
        -------
        float
            From 0 to 1.
        """
        if self.average == "micro":
            counts = counts.sum(axis=1, keepdims=True)
        values = self._values(*counts)
        if self.average == "weighted":
            labels = counts[0] + counts[2]
            return float(_ratio((values * labels).sum(), labels.sum()))
        return float(values.mean())

    def _values(self, hits, false_alarms, misses):
        raise NotImplementedError


@inherit_parameters
@dataclass(frozen=True)
class Precision(_OfCounts):
    """Metric: the share of predicted positives that are right, TP / (TP + FP)."""

    name: str = "precision"

    def _values(self, hits, false_alarms, misses):
        return _ratio(hits, hits + false_alarms)


@inherit_parameters
@dataclass(frozen=True)
class Recall(_OfCounts):
    """Metric: the share of positives that are found, TP / (TP + FN)."""

    name: str = "recall"

    def _values(self, hits, false_alarms, misses):
        return _ratio(hits, hits + misses)


@inherit_parameters
@dataclass(frozen=True)
class F1(_OfCounts):
    """Metric: the harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN)."""

    name: str = "f1"

    def _values(self, hits, false_alarms, misses):
        return _ratio(2 * hits, 2 * hits + false_alarms + misses)


@dataclass(frozen=True)
class AUC(Configured):
    """Metric: the area under the ROC curve of a single output, as Keras approximates it.

    The curve goes through the rates of true and false positives at evenly spaced thresholds.

    Parameters
    ----------
    num_thresholds : int, optional
        Number of thresholds from 0 to 1.
    from_logits : bool, optional
        Whether predictions are logits and not probabilities.
    name : str, optional
        Its name in a `History`.

    Raises
    ------
    InputError
        ``num_thresholds`` is no integer above 1.
    """

    num_thresholds: int = 200
    _: KW_ONLY
    from_logits: bool = False
    name: str = "auc"

    def __post_init__(self):
        if self.num_thresholds < 2:
            expected = f"expected num_thresholds to be an integer above 1, got {self.num_thresholds!r}"
            raise InputError(f"{type(self).__name__}: {expected}")

    def __call__(self, y_true: "ArrayLike", y_pred: "ArrayLike") -> float:
        """Compute the area for one batch.

        Parameters
        ----------
        y_true : array_like
            Labels in [0, 1], (batch, ...) or (batch, ..., 1).
        y_pred : array_like
            Probabilities or logits (batch, ..., 1).

        Returns
        -------
        float
            From 0 to 1; 0 if there are no positives or no negatives.
        """
        return self.of_sums(self.sums(y_true, y_pred))

    def sums(self, y_true: "ArrayLike", y_pred: "ArrayLike") -> np.ndarray:
        """Count labels by the number of thresholds below their prediction.

        Parameters
        ----------
        y_true, y_pred : array_like
            Labels and predictions of a batch.

        Returns
        -------
        ndarray (2, num_thresholds + 1)
            Positives and negatives; the counts of several batches add up.
        """
        y_pred = plain_array("AUC", "predictions", y_pred, np.float64)
        actual = binary_labels("AUC", y_true, y_pred.shape).ravel() > 0.5
        if self.from_logits:
            with np.errstate(over="ignore"):
                y_pred = 1 / (1 + np.exp(-y_pred))
        inner = np.arange(1, self.num_thresholds - 1) / (self.num_thresholds - 1)
        below = np.searchsorted(np.array([-1e-7, *inner, 1 + 1e-7]), y_pred.ravel(), side="left")
        count = lambda chosen: np.bincount(below[chosen], minlength=self.num_thresholds + 1)  # noqa: E731
        return np.stack([count(actual), count(~actual)]).astype(np.float64)

    def of_sums(self, counts: np.ndarray) -> float:
        """Compute the area from the counts of all batches.

        Parameters
        ----------
        counts : ndarray (2, num_thresholds + 1)
            Sums of what `sums` returned.

        Returns
        -------
        float
            From 0 to 1; 0 if there are no positives or no negatives.
        """
        # predictions over each threshold
        above = counts.sum(axis=1, keepdims=True) - counts.cumsum(axis=1)[:, :-1]
        true, false = _ratio(above, counts.sum(axis=1, keepdims=True))
        return float(((false[:-1] - false[1:]) * (true[:-1] + true[1:]) / 2).sum())


def _ratio(part, whole):
    """Divide; 0 / 0 is 0."""
    return np.divide(part, whole, out=np.zeros(np.broadcast_shapes(np.shape(part), np.shape(whole))), where=whole > 0)


def accuracy(loss: losses.Loss) -> Metric:
    """Choose the accuracy that goes with a loss.

    Parameters
    ----------
    loss : Loss
        A cross-entropy decides the accuracy; for another loss the shapes of labels and predictions do. With
        ``from_logits`` the threshold of a binary cross-entropy is 0, the logit of a half.

    Returns
    -------
    callable
        A function ``(y_true, y_pred) -> float``.
    """
    if isinstance(loss, losses.SparseCategoricalCrossentropy):
        return sparse_categorical_accuracy
    if isinstance(loss, losses.CategoricalCrossentropy):
        return categorical_accuracy
    if isinstance(loss, losses.BinaryCrossentropy):
        threshold = 0.0 if loss.from_logits else 0.5
        return partial(binary_accuracy, threshold=threshold)
    return _accuracy_by_shape


def _accuracy_by_shape(y_true, y_pred):
    if y_pred.shape[-1] == 1:
        return binary_accuracy(y_true, y_pred)
    if np.ndim(y_true) < np.ndim(y_pred):
        return sparse_categorical_accuracy(y_true, y_pred)
    return categorical_accuracy(y_true, y_pred)


def _largest(name, y_true, y_pred):
    """Find the place of the largest label in each row."""
    return same_shape(name, y_true, plain_array(name, "predictions", y_pred)).argmax(axis=-1)


def _score_of(labels, y_pred):
    """Take the scores of the labelled classes, (..., 1)."""
    return np.take_along_axis(y_pred, labels[..., None].astype(np.intp), axis=-1)


def _share(correct):
    return np.count_nonzero(correct) / max(1, correct.size)


BY_NAME: dict[str, Metric] = {
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
    "precision": Precision(),
    "recall": Recall(),
    "f1": F1(),
    "auc": AUC(),
}
BY_LOSS = ("accuracy", "acc", "perplexity")


def get(metric: str | Metric, loss: losses.Loss) -> tuple[str, Metric]:
    """Find a metric by its name.

    Parameters
    ----------
    metric : str or callable
        A name such as "accuracy", or a function ``(y_true, y_pred) -> float``, which is returned as it is.
    loss : Loss
        The loss of the model; it decides what "accuracy", "acc" and "perplexity" mean.

    Returns
    -------
    name : str
        Its name in a `History`.
    function : callable
        A function ``(y_true, y_pred) -> float``.

    Raises
    ------
    InputError
        There is none of that name, or it does not go with the loss.
    """
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


def by_name(given: Iterable[str | Metric], loss: losses.Loss) -> dict[str, Metric]:
    """Find metrics by their names: {name: function}."""
    if isinstance(given, str):
        raise InputError(f"compile: expected a list of metrics, got {given!r}")
    named = [get(metric, loss) for metric in given]
    names = ["loss", *(name for name, _ in named)]
    if len(set(names)) < len(names):
        raise InputError(f"compile: expected metrics of different names, and none called loss, got {names[1:]}")
    return dict(named)


__all__ = [
    "AUC",
    "F1",
    "Metric",
    "Perplexity",
    "Precision",
    "Recall",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "accuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "get",
    "in_top_k",
    "keras2_binary_accuracy",
    "sparse_categorical_accuracy",
]


def __dir__():
    return __all__
