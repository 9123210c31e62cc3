"""Layer normalisation: Ba, Kiros and Hinton (2016), arXiv 1607.06450."""

import autograd.numpy as np


def layer_norm(v, scale, shift, epsilon):
    """scale (v - mean) / sqrt(variance + epsilon) + shift, over each row of v (B, n)."""
    centred = v - np.mean(v, axis=1, keepdims=True)
    variance = np.mean(centred**2, axis=1, keepdims=True)
    return scale * centred / np.sqrt(variance + epsilon) + shift
