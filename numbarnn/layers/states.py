"""The states of a recurrent layer: lists for its caller, nested tuples for its cell."""

import numpy as np

from ..cells import Cell
from ..utils.tree import tuple_like
from ..wrappers import (
    DeviceWrapper,
    DropConnectWrapper,
    DropoutWrapper,
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
    sizes = cell.state_size
    if isinstance(states, np.ndarray) and isinstance(sizes, tuple):
        return (states,)
    nested = isinstance(states, tuple | list) and isinstance(sizes, tuple) and len(states) == len(sizes)
    return from_list(sizes, states) if nested else states


def as_list(state):
    """States as Keras lists them: an array for a cell of one state in a stack, not a tuple of one."""
    states = list(state) if isinstance(state, tuple) else [state]
    return [s[0] if isinstance(s, tuple) and len(s) == 1 else s for s in states]


def from_list(sizes, states):
    """The inverse of `as_list`."""
    if not isinstance(sizes, tuple):
        return states[0]
    pairs = zip(sizes, states, strict=True)
    inner = [tuple_like(n, [s]) if _is_alone(n) and not isinstance(s, tuple | list) else s for n, s in pairs]
    return tuple_like(sizes, inner)


def _is_alone(sizes):
    return isinstance(sizes, tuple) and len(sizes) == 1


def place_of_output(cell):
    """Where in its nested state a cell's output stands, as a path; None where it is no state, or not known to be."""
    if isinstance(cell, Cell):
        return (len(cell.states) - 1,) if cell.last_is_output else (0,)
    if isinstance(cell, LEAVE_OUTPUT_ALONE) or (isinstance(cell, DropoutWrapper) and cell.output_keep_prob == 1):
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
