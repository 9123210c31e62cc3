"""Dropout of recurrent weights: Wan et al. (2013); Merity, Keskar and Socher (2018), arXiv 1708.02182."""

from ..masks import dropout
from ..node import Node

CELL = "DropConnectWrapper"
OPTIONS = {"rate": (0.0, 0.6)}
WEIGHTS = ("recurrent_kernel", "feedback_kernel")


def fit(shape, options):
    return shape, {"rate": 0.3} | options


def examples(shape):
    return (Node("LSTMCell", (shape.H,)),), (Node("GRUCell", (shape.H,), {"num_proj": 3}),)


def masks(sizes, options):
    """One for each recurrent matrix, the same at all steps and for all rows."""
    shapes = {name: shape for name, shape in sizes.params.items() if name in WEIGHTS}
    return {n: dropout(n, keep=1 - options["rate"], shape=shape)[None] for n, shape in shapes.items()}


def step(cells, params, x, state, f, *, given=None, rate):
    """The cell with some weights dropped."""
    dropped = {name: mask * params[name] for name, mask in (given or {}).items()}
    return cells[0]({**params, **dropped}, x, state)
