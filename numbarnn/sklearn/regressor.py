"""A regressor of sequences."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils.validation import validate_data

from ..utils.docs import inherit_parameters
from .base import RNNEstimator
from .sequences import sequences


@inherit_parameters
class RNNRegressor(RegressorMixin, RNNEstimator):
    """Predict numbers from sequences with a recurrent network, by the mean squared error.

    Attributes
    ----------
    model_ : Sequential
        The trained model.
    history_ : dict
        Loss of each epoch, as in `nr.Sequential.fit`.
    n_iter_ : int
        Number of epochs run.
    n_features_in_ : int
        Number of columns of a two-dimensional X, and of features at a step otherwise.

    Notes
    -----
    X is as in `RNNClassifier`. Targets far from unit variance train slowly; scikit-learn's
    ``TransformedTargetRegressor(regressor, transformer=StandardScaler())`` scales them.
    """

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> "RNNRegressor":
        """Train a new model.

        Parameters
        ----------
        X : array_like (samples, steps, features) or (samples, steps), or list of arrays (steps, features)
            The sequences.
        y : array_like (samples,) or (samples, targets)
            One or several numbers for each.
        sample_weight : array_like (samples,), optional
            Weights in the loss.

        Returns
        -------
        RNNRegressor
            This estimator.
        """
        targets = validate_data(self, X="no_validation", y=y, multi_output=True, y_numeric=True)
        x = sequences(self, X, reset=True)
        self._one_target = targets.ndim == 1
        targets = targets.reshape(len(targets), -1).astype(np.float32)
        return self._train(x, targets, targets.shape[1], "mse", sample_weight)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the targets.

        Parameters
        ----------
        X : array_like or list of arrays
            Sequences as in `fit`.

        Returns
        -------
        ndarray (samples,) or (samples, targets)
            Numbers in the shape of ``y``.
        """
        outputs = self._outputs(X)
        return outputs[:, 0] if self._one_target else outputs

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
