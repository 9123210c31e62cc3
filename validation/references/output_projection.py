"""An affine map behind a cell, without feedback: OutputProjectionWrapper of TensorFlow 1."""

from ..activations import FEW
from ..node import Node
from ..parts import part

CELL = "OutputProjectionWrapper"
OPTIONS = {"output_size": (2,), "activation": ("tanh", *FEW)}


def fit(shape, options):
    return shape, {"output_size": 6} | options


def examples(shape):
    return (Node("LSTMCell", (shape.H,)),), (Node("ResetAfterGRUCell", (shape.H,)),)


def step(cells, params, x, state, f, *, output_size, activation=None):
    """phi(y W + b)."""
    y, state, gates = cells[0](part("cell", params), x, state)
    return f[activation or "linear"](y @ params["projection_kernel"] + params["projection_bias"]), state, gates
