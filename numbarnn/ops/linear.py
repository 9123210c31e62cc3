"""The affine map activation(x kernel + bias) of the last axis of x, as one product: dense layers and projections.

From a certain size on, NumPy's BLAS starts threads of its own, which keep spinning while the cells' kernels want the
cores (an LSTM behind a dense layer then takes up to four times as long). Larger products therefore run on the kernels
of the cells.
"""

import numpy as np
from numba import config

from . import activations
from . import linear_kernels as kernels

ALONE = 1 << 18  # multiply-adds up to which OpenBLAS uses one thread


def forward(x, kernel, bias, activation):
    """Compute (backward, z, y): the pre-activation z and its activation y (..., outputs); `bias` may be None.

    `backward(d_z)` returns the gradients of x, kernel and bias.
    """
    swapped = x.ndim > 2 and x.strides[0] < x.strides[1]  # time-major in memory: a batch-major reshape would copy

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


def plan_memory(memory, rows, inputs, outputs, activation, dtype):
    """Plan the memory of `forward` over so many rows.

    The function that it returns plans the gradient, and returns what holds that of x.
    """
    in_numpy = rows * inputs * outputs <= ALONE or config.DISABLE_JIT
    plan = _plan_numpy if in_numpy else kernels.plan_memory
    product_backward, size = plan(memory, rows, inputs, outputs, dtype), rows * outputs
    if activation != "linear":
        activations.plan_forward(memory, size, dtype)

    def backward(from_pre_activation=False):
        starts = from_pre_activation or activation == "linear"
        d_z = None if starts else activations.plan_backward(memory, size, dtype)
        d_x = product_backward()
        memory.release(d_z)
        return d_x

    return backward


def _plan_numpy(memory, rows, inputs, outputs, dtype):
    size = dtype.itemsize
    product, _ = (memory.array("outputs", (rows, outputs), size) for _ in range(2))
    memory.release(product)

    def backward():
        d_x = memory.array("gradients of inputs", (rows, inputs), size)
        memory.array("gradients", (inputs + 1, outputs), size)
        return d_x

    return backward
