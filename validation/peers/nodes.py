"""The cells of a stack, and those of its directions, in words: what the recurrent layers of other libraries have."""

import numpy as np

from ..catalogue import build


def levels(node):
    """Nodes from the lowest of a stack upwards; any other is a stack of one."""
    return node.arguments[0] if node.cell == "MultiRNNCell" else (node,)


def directions(node):
    """Nodes of both directions; any other reads in one."""
    return node.arguments if node.cell == "Bidirectional" else (node,)


def plain(node):
    """All nodes of a stack and its directions, as levels of directions; None if one of them has parts itself, or the
    states of all are one array."""
    found = [directions(level) for level in levels(node)]
    joined = "state_is_tuple" in node.options
    return None if joined or any(part.parts for level in found for part in level) else found


def built(node):
    """The cell of a node, and parameters of zeros for one input feature with its names."""
    cell = build(node)
    return cell, {name: np.zeros(shape, "float32") for name, shape in cell.param_shapes(1).items()}


def activations(node):
    """Names of the activations that the options of a node choose."""
    return {str(value) for name, value in node.options.items() if name.endswith("activation")}
