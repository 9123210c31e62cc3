"""The cells of numbarnn, found where it exports them."""

from dataclasses import fields

import numbarnn as nr
from numbarnn import activations, wrappers
from numbarnn.cells import Cell
from numbarnn.cells.rnn_cell import RNNCell

from .activations import With
from .node import Node

PARTS = {"units", "cell", "cells", "forward_cell", "backward_cell"}  # what a cell is made of: no options
FRESH = {"initializer"}  # changes fresh parameters alone


def cells():
    """{name: class} of every cell that can be made."""
    found = {}
    for name, value in (vars(nr) | vars(wrappers)).items():
        if isinstance(value, type) and issubclass(value, RNNCell) and value.__name__ == name:
            found |= {} if value in (RNNCell, Cell) else {name: value}
    return found


def build(node):
    """numbarnn's cell of a Node."""
    options = {option: _built(value) for option, value in node.options.items()}
    return cells()[node.cell](*map(_built, node.arguments), **options)


def _built(argument):
    if isinstance(argument, With):
        return getattr(activations, argument.name)(*argument.parameters)
    if isinstance(argument, tuple):
        return tuple(map(_built, argument))
    return build(argument) if isinstance(argument, Node) else argument


def options(name):
    """The constructor options of a cell."""
    return [f.name for f in fields(cells()[name]) if f.init and f.name not in PARTS | FRESH]
