"""What a recurrent layer shows at masked steps, unless it is zero: the output of the step before."""

import numpy as np


def repeat(outputs, mask, before):
    """Outputs (B, T, n) with the last valid one at masked steps, and `before` (B, n) ahead of the first.

    Axis 1 and the mask (B, T) are in the order in which the steps were read.
    """
    repeated, last = np.empty_like(outputs), before
    for t in range(outputs.shape[1]):
        repeated[:, t] = last = np.where(mask[:, t, None], outputs[:, t], last)
    return repeated


def repeat_gradient(d_repeated, mask):
    """Gradients of the outputs and of `before`."""
    d_outputs, d_last = np.zeros_like(d_repeated), np.zeros_like(d_repeated[:, 0])
    for t in reversed(range(d_repeated.shape[1])):
        valid = mask[:, t, None]
        d_last = d_last + d_repeated[:, t]
        d_outputs[:, t] = np.where(valid, d_last, 0)
        d_last = np.where(valid, 0, d_last).astype(d_last.dtype, copy=False)
    return d_outputs, d_last
