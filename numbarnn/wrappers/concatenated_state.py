"""All states of a cell in one array (state_is_tuple=False of TensorFlow 1)."""

import itertools
from dataclasses import dataclass, replace

import numpy as np

from ..utils.tree import tree_leaves, tree_map
from .base import Wrapper


@dataclass(frozen=True)
class ConcatenatedState(Wrapper):
    """The states of `cell` side by side in one array (B, sum of the sizes): [c, h] for an LSTM.

    In each `State` h comes last, as in TensorFlow; cells of a stack follow one another. Parameters are the cell's.
    """

    @property
    def state_size(self):
        return sum(tree_leaves(self.cell.state_size))

    def unroll(self, params, x, state, mask, options):
        sizes = self.cell.state_size
        run = self.cell.unroll(params, x, None if state is None else split(state, sizes), mask, options)

        def backward(d_outputs, d_state, cut=None):
            d_state = tree_map(lambda _: None, sizes) if d_state is None else split(d_state, sizes)
            d_params, dx, initial = run.backward(d_outputs, d_state, cut)
            return d_params, dx, joined(initial)

        return replace(run, state=joined(run.state), backward=backward)


def in_columns(tree):
    """Leaves in the order of the columns."""
    if not isinstance(tree, tuple):
        return [tree]
    parts = (*tree[1:], tree[0]) if getattr(tree, "_fields", ("",))[0] == "h" else tree
    return [leaf for part in parts for leaf in in_columns(part)]


def joined(state):
    """The states as one array."""
    return np.concatenate(in_columns(state), axis=1)


def split(array, sizes):
    """The array's columns, nested like `sizes`."""
    count = itertools.count()
    numbers = tree_map(lambda _: next(count), sizes)
    columns = np.split(array, np.cumsum(in_columns(sizes))[:-1], axis=1)
    numbered = dict(zip(in_columns(numbers), columns, strict=True))
    return tree_map(numbered.get, numbers)
