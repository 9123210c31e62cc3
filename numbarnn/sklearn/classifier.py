"""A classifier of sequences."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, validate_data

from ..errors import InputError
from ..losses import SparseCategoricalCrossentropy
from ..utils.docs import inherit_parameters
from .base import RNNEstimator
from .sequences import sequences


@inherit_parameters
class RNNClassifier(ClassifierMixin, RNNEstimator):
    """Classify sequences with a recurrent network.

    Attributes
    ----------
    classes_ : ndarray (n_classes,)
        The labels, sorted.
    model_ : Sequential
        The trained model; its outputs are scores, of which `predict_proba` takes the softmax.
    history_ : dict
        Loss and accuracy of each epoch, as in `nr.Sequential.fit`.
    n_iter_ : int
        Number of epochs run.
    n_features_in_ : int
        Number of columns of a two-dimensional X, and of features at a step otherwise.

    Notes
    -----
    X is an array (samples, steps, features), a list of arrays (steps, features) of different lengths, or a table
    (samples, steps), an array or a frame, whose rows are sequences of one feature. The last layer of a function
    ``layer`` has no activation.
    """

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> "RNNClassifier":
        """Train a new model.

        Parameters
        ----------
        X : array_like (samples, steps, features) or (samples, steps), or list of arrays (steps, features)
            The sequences.
        y : array_like (samples,)
            A label for each.
        sample_weight : array_like (samples,), optional
            Weights in the loss.

        Returns
        -------
        RNNClassifier
            This estimator.
        """
        labels = column_or_1d(validate_data(self, X="no_validation", y=y, multi_output=True), warn=True)
        x = sequences(self, X, reset=True)
        check_classification_targets(labels)
        self.classes_, classes = np.unique(labels, return_inverse=True)
        loss = SparseCategoricalCrossentropy(from_logits=True)
        return self._train(x, classes, len(self.classes_), loss, sample_weight, ["accuracy"], stratify=classes)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict probabilities of the classes.

        Parameters
        ----------
        X : array_like or list of arrays
            Sequences as in `fit`.

        Returns
        -------
        ndarray (samples, n_classes)
            Probabilities in the order of ``classes_``.
        """
        return softmax(self._outputs(X), axis=1)

    def predict(self, X: Any) -> np.ndarray:
        """Predict labels.

        Parameters
        ----------
        X : array_like or list of arrays
            Sequences as in `fit`.

        Returns
        -------
        ndarray (samples,)
            The most probable of ``classes_``.
        """
        outputs = self._outputs(X)
        return self.classes_[outputs.argmax(axis=1)]

    def _model(self, n_features, n_outputs, seed):
        model = super()._model(n_features, n_outputs, seed)
        if model.layers[-1].last_activation not in (None, "linear"):
            raise InputError(f"RNNClassifier: expected scores, without a last activation, from layer, got {model!r}")
        return model
