"""activation(x kernel + bias) on the last axis of x, as one product: dense layers, projections around cells.

From a certain size on NumPy's BLAS takes threads of its own, which go on spinning while the kernels of the cells want
the cores (an LSTM behind a dense layer then takes up to four times as long). Larger products therefore run on these
kernels: an affine map is a cell without a past.
"""

from dataclasses import dataclass

import numpy as np
from numba.extending import register_jitable

from . import activations, engines
from .cells.base import Cell, Equations
from .cells.contract import How
from .maths import zero

ALONE = 1 << 18  # multiply-adds up to which OpenBLAS stays in one thread


@register_jitable
def _forward(z, s):
    return (z[0],), ()


@register_jitable
def _backward(saved, s, s1, ds1):
    return (ds1[0],), (zero(ds1[0]),)


@dataclass(frozen=True)
class AffineCell(Cell):
    """z = x kernel + bias."""

    inputs = {"z": "x"}
    saved = ()
    equations = Equations(_forward, _backward)


def forward(x, kernel, bias, activation):
    """(backward, z, y): the pre-activation and its value (..., outputs), and the way back; `bias` may be None.

    `backward(d_z)` gives the gradients of x, kernel and bias.
    """
    turned = x.ndim > 2 and x.strides[0] < x.strides[1]  # time-major inside: the other order would copy

    def in_order(array):
        return array.swapaxes(0, 1) if turned else array

    outputs, ordered = kernel.shape[1], in_order(x)
    rows = ordered.reshape(-1, len(kernel))
    product = _numpy if rows.size * outputs <= ALONE else _kernels
    z, product_backward = product(rows, kernel, bias)
    z = in_order(z.reshape(*ordered.shape[:-1], outputs))

    def backward(d_z):
        d_rows, d_kernel, d_bias = product_backward(in_order(d_z).reshape(-1, outputs))
        return in_order(d_rows.reshape(ordered.shape)), d_kernel, d_bias

    return backward, z, activations.apply(activation, z)


def _numpy(rows, kernel, bias):
    z = rows @ kernel
    if bias is not None:
        z += bias
    return z, lambda d: (d @ kernel.T, rows.T @ d, d.sum(axis=0))


def _kernels(rows, kernel, bias):
    bias = np.zeros(kernel.shape[1], kernel.dtype) if bias is None else bias
    run = engines.run(AffineCell(kernel.shape[1]), {"kernel": kernel, "bias": bias}, rows[None], None, None, How())

    def backward(d):
        d_params, d_rows, _ = run.backward(d[None], (None,))
        return d_rows[0], d_params["kernel"], d_params["bias"]

    return run.outputs[0], backward
