"""An affine map in front of a cell: InputProjectionWrapper of TensorFlow 1."""

from ..activations import FEW
from ..node import Node
from ..parts import part

CELL = "InputProjectionWrapper"
OPTIONS = {"num_proj": (2,), "activation": ("tanh", *FEW)}


def fit(shape, options):
    return shape, {"num_proj": 6} | options


def examples(shape):
    return (Node("GRUCell", (shape.H,)),), (Node("LSTMCell", (shape.H,), {"num_proj": 3}),)


def step(cells, params, x, state, f, *, num_proj, activation=None):
    """The cell reads phi(x W + b)."""
    x = f[activation or "linear"](x @ params["projection_kernel"] + params["projection_bias"])
    return cells[0](part("cell", params), x, state)
