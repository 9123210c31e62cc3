"""activation(x kernel + bias) on the last axis of x, as one product: dense layers, projections around cells."""

from . import activations


def forward(x, kernel, bias, activation):
    """(rows, z, y): x as a matrix, the pre-activation and its value (..., outputs); `bias` may be None."""
    rows = x.reshape(-1, len(kernel))
    z = rows @ kernel
    if bias is not None:
        z += bias
    z = z.reshape(*x.shape[:-1], kernel.shape[1])
    return rows, z, activations.apply(activation, z)


def backward(rows, kernel, d_z):
    """Gradients of x, kernel and bias from that of the pre-activation."""
    d = d_z.reshape(-1, kernel.shape[1])
    return (d @ kernel.T).reshape(*d_z.shape[:-1], len(kernel)), rows.T @ d, d.sum(axis=0)
