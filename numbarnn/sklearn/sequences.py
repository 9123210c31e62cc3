"""Sequences in the forms that scikit-learn's users have them."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, validate_data

from ..errors import InputError
from ..utils.arrays import plain_array, refuse_masked
from ..utils.padded import Padded, padded


def sequences(estimator: BaseEstimator, X: Any, reset: bool = False) -> "np.ndarray | Padded":
    """Return samples as sequences (samples, steps, features) of finite numbers.

    Rows of a table, and one-dimensional arrays in a list, have one feature. ``reset`` sets ``n_features_in_``: the
    number of columns of a table, and of features at a step otherwise.
    """
    caller = type(estimator).__name__
    if isinstance(X, Padded) or is_list_of_arrays(X):
        x = _padded(caller, X)
    else:
        X = X if hasattr(X, "ndim") else plain_array(caller, "X", X)
        refuse_masked(caller, "X", X)
        if X.ndim != 3:
            return validate_data(estimator, X, reset=reset, dtype=np.float32)[..., None]
        x = check_array(X, dtype=np.float32, allow_nd=True, input_name="X", estimator=estimator)
    if reset:
        estimator.n_features_in_ = (x.values if isinstance(x, Padded) else x).shape[2]
    return x


def is_list_of_arrays(X: Any) -> bool:
    """Say whether this is a list of arrays or frames, or an array of such objects; they may have one length."""
    if isinstance(X, list | tuple):
        return len(X) > 0 and getattr(X[0], "ndim", 0) > 0
    return getattr(X, "ndim", 0) == 1 and X.dtype.kind == "O"


def _padded(caller, X):
    x = padded(caller, "X", X)
    values = x.zero_padded().values
    if values.ndim not in (2, 3) or values.dtype.kind not in "fiub":
        expected = "sequences of numbers (steps, features) or (steps,)"
        raise InputError(f"{caller}: expected {expected}, got {values.dtype} of shape {values.shape[1:]}")
    values = values.astype(np.float32).reshape(*values.shape[:2], -1)
    if not np.isfinite(values).all():
        raise InputError(f"{caller}: expected finite numbers, got {values[~np.isfinite(values)][0]}")
    return Padded(values, x.lengths)
