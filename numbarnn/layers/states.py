"""The states of a recurrent layer: lists for its caller, nested tuples for its cell."""

import numpy as np

from ..cells import Cell
from ..utils.tree import tuple_like
from ..wrappers import (
    DeviceWrapper,
    DropConnectWrapper,
    EmbeddingWrapper,
    InputProjectionWrapper,
    MultiRNNCell,
    RecurrentDropoutWrapper,
    ZoneoutWrapper,
)

LEAVE_OUTPUT_ALONE = (
    DeviceWrapper,
    DropConnectWrapper,
    EmbeddingWrapper,
    InputProjectionWrapper,
    RecurrentDropoutWrapper,
    ZoneoutWrapper,
)


def as_state(cell, states):
    """States as a caller may give them, in the form of the cell's own."""
    return (states,) if isinstance(states, np.ndarray) and isinstance(cell.state_size, tuple) else states


def as_list(state):
    return list(state) if isinstance(state, tuple) else [state]


def from_list(sizes, states):
    return tuple_like(sizes, states) if isinstance(sizes, tuple) else states[0]


def place_of_output(cell):
    """Where in its nested state a cell's output stands, as a path; None where it is no state, or not known to be."""
    if isinstance(cell, Cell):
        return (len(cell.states) - 1,) if cell.last_is_output else (0,)
    if isinstance(cell, LEAVE_OUTPUT_ALONE):
        return place_of_output(cell.cell)
    if isinstance(cell, MultiRNNCell) and cell.state_is_tuple:
        last = place_of_output(cell.cells[-1])
        return last and (len(cell.cells) - 1, *last)
    return None


def at(tree, path):
    """The leaf of nested tuples at the end of the path."""
    for i in path:
        tree = tree[i]
    return tree


def added(tree, sizes, path, value):
    """The tree, nested like `sizes`, with `value` added to the leaf at the end of the path; None counts as zero."""
    if not path:
        return value if tree is None else tree + value
    parts = [None] * len(sizes) if tree is None else list(tree)
    parts[path[0]] = added(parts[path[0]], sizes[path[0]], path[1:], value)
    return tuple_like(sizes, parts)
