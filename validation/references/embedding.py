"""A vector for each integer, in front of a cell: EmbeddingWrapper of TensorFlow 1."""

from ..node import Node
from ..parts import part

CELL = "EmbeddingWrapper"
OPTIONS = {"embedding_classes": (1, 30), "embedding_size": (1,)}


def fit(shape, options):
    return shape, {"embedding_classes": 5, "embedding_size": shape.I} | options


def examples(shape):
    return (Node("LSTMCell", (shape.H,)),), (Node("GRUCell", (shape.H,)),)


def step(cells, params, x, state, f, *, embedding_classes, embedding_size):
    """The cell reads row x of the table."""
    return cells[0](part("cell", params), params["embedding"][x], state)
