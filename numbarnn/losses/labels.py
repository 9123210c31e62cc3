"""Checks of predictions and labels, for losses and metrics: what does not fit is refused, nothing is broadcast."""

import numpy as np

from ..errors import InputError


def scores(name, y_pred):
    """``y_pred`` as an array of floats (batch, ..., outputs)."""
    y_pred = np.asarray(y_pred)
    if y_pred.dtype not in (np.float32, np.float64) or y_pred.ndim < 2:
        raise InputError(
            f"{name}: expected predictions of shape (batch, ..., outputs) in float32 or float64, "
            f"got {y_pred.dtype} of shape {y_pred.shape}"
        )
    return y_pred


def same_shape(name, y_true, y_pred):
    """``y_true`` as an array of the shape and dtype of the predictions."""
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
