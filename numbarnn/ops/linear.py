"""activation(x kernel + bias) on the last axis of x, as one product: dense layers, projections around cells.

From a certain size on NumPy's BLAS takes threads of its own, which go on spinning while the kernels of the cells want
the cores (an LSTM behind a dense layer then takes up to four times as long). Larger products therefore run on the
cells' kernels.
"""

import numpy as np
from numba import config

from . import activations
from . import linear_kernels as kernels

ALONE = 1 << 18  # multiply-adds up to which OpenBLAS stays in one thread


def forward(x, kernel, bias, activation):
    """(backward, z, y): the pre-activation and its value (..., outputs), and the way back; `bias` may be None.

    `backward(d_z)` gives the gradients of x, kernel and bias.
    """
    swapped = x.ndim > 2 and x.strides[0] < x.strides[1]  # time-major inside: the other order would copy

    def in_order(array):
        return array.swapaxes(0, 1) if swapped else array

    outputs, ordered = kernel.shape[1], in_order(x)
    rows = ordered.reshape(-1, len(kernel))
    in_numpy = rows.size * outputs <= ALONE or config.DISABLE_JIT
    bias = np.zeros(outputs, kernel.dtype) if bias is None else bias
    z, product_backward = (_numpy if in_numpy else kernels.forward)(rows, kernel, bias)
    z = in_order(z.reshape(*ordered.shape[:-1], outputs))

    def backward(d_z):
        d_rows, d_kernel, d_bias = product_backward(in_order(d_z).reshape(-1, outputs))
        return in_order(d_rows.reshape(ordered.shape)), d_kernel, d_bias

    return backward, z, activations.apply(activation, z)


def _numpy(rows, kernel, bias):
    return rows @ kernel + bias, lambda d: (d @ kernel.T, rows.T @ d, d.sum(axis=0))
