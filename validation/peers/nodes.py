"""The cells of a stack, and those of its directions, in words: what the recurrent layers of other libraries have."""

from ..catalogue import build


def levels(node):
    """Nodes from the lowest of a stack upwards; any other is a stack of one."""
    return node.arguments[0] if node.cell == "MultiRNNCell" else (node,)


def directions(node):
    """Nodes of both directions; any other reads in one."""
    return node.arguments if node.cell == "Bidirectional" else (node,)


def plain(node):
    """All nodes of a stack and its directions, as levels of directions; None if one of them has parts itself."""
    found = [directions(level) for level in levels(node)]
    return None if any(part.parts for level in found for part in level) else found


def built(node):
    """The cell of a node, with random parameters for one input feature and the names of its own."""
    cell = build(node)
    return cell, cell.init_params(None if cell.takes_integers else 1, rng=0)
