"""Checks of predictions and labels, for losses and metrics: what does not fit is refused, nothing is broadcast."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..utils.arrays import plain_array


def scores(name: str, y_pred: ArrayLike) -> np.ndarray:
    """Check that predictions are floats (batch, ..., outputs), and make them an array."""
    y_pred = plain_array(name, "predictions", y_pred)
    if y_pred.dtype not in (np.float32, np.float64) or y_pred.ndim < 2:
        raise InputError(
            f"{name}: expected predictions of shape (batch, ..., outputs) in float32 or float64, "
            f"got {y_pred.dtype} of shape {y_pred.shape}"
        )
    return y_pred


def same_shape(name: str, y_true: ArrayLike, y_pred: np.ndarray) -> np.ndarray:
    """Check that labels have the shape of the predictions, and give them their dtype."""
    y_true = plain_array(name, "labels", y_true)
    if y_true.shape != y_pred.shape or y_true.dtype.kind not in "fiub":
        hint = "; labels y[..., None] have it" if (*y_true.shape, 1) == y_pred.shape else ""
        raise InputError(
            f"{name}: expected numbers of the shape of the predictions, {y_pred.shape}, "
            f"got {y_true.dtype} of shape {y_true.shape}{hint}"
        )
    return y_true.astype(y_pred.dtype, copy=False)


def class_labels(name: str, y_true: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    """Check that labels are integers in [0, classes) of shape[:-1], and make them an array."""
    y_true, classes = plain_array(name, "labels", y_true), shape[-1]
    if y_true.shape != shape[:-1] or y_true.dtype.kind not in "iu":
        raise InputError(
            f"{name}: expected integer labels of shape {shape[:-1]} for predictions of shape {shape}, "
            f"got {y_true.dtype} of shape {y_true.shape}"
        )
    if y_true.size and not 0 <= y_true.min() <= y_true.max() < classes:
        raise InputError(f"{name}: expected labels from 0 to {classes - 1}, got {y_true.min()} to {y_true.max()}")
    return y_true


def binary_labels(name: str, y_true: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    """Check that labels are numbers in [0, 1], and make them an array of ``shape``."""
    y_true = plain_array(name, "labels", y_true)
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
