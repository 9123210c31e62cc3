"""A gate between input and output: Srivastava, Greff and Schmidhuber (2015), arXiv 1505.00387."""

from ..node import Node
from ..parts import part

CELL = "HighwayWrapper"
OPTIONS = {}


def examples(shape):
    return (Node("LSTMCell", (shape.I,)),), (Node("GRUCell", (shape.I,)),)


def step(cells, params, x, state, f):
    """C = sigma(x W + b); y (1 - C) + x C."""
    y, state, gates = cells[0](part("cell", params), x, state)
    carry = f["sigmoid"](x @ params["carry_kernel"] + params["carry_bias"])
    return y * (1 - carry) + x * carry, state, gates
