"""All states of a cell in one array (state_is_tuple=False of TensorFlow 1)."""

import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..engines.interface import CellResult, RunOptions
from ..utils.tree import tree_leaves, tree_map, tree_unflatten
from .base import Wrapper


@dataclass(frozen=True)
class ConcatenatedState(Wrapper):
    """Keep the states of a cell side by side in one array.

    The state is an array (B, sum of the state sizes): [c, h] for an LSTM. In each `State` h comes last, as in
    TensorFlow; the cells of a stack follow one another. Outputs and parameters are those of `cell`.

    Parameters
    ----------
    cell : RNNCell
        The inner cell.

    References
    ----------
    ``tf.nn.rnn_cell.BasicLSTMCell(state_is_tuple=False)`` of TensorFlow 1.
    """

    @property
    def state_size(self) -> int:
        """Width of all states together."""
        return sum(tree_leaves(self.cell.state_size))

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        sizes = self.cell.state_size
        run = self.cell.unroll(params, x, None if state is None else split(state, sizes), mask, options)

        def backward(d_outputs, d_state, cut=None):
            d_state = self.cell.no_gradient if d_state is None else split(d_state, sizes)
            d_params, dx, d_initial = run.backward(d_outputs, d_state, cut)
            return d_params, dx, concatenated(d_initial)

        return replace(run, state=concatenated(run.state), backward=backward)


def in_column_order(tree: Any) -> list:
    """List the leaves of a tree in the order of the columns."""
    if not isinstance(tree, tuple):
        return [tree]
    parts = (*tree[1:], tree[0]) if getattr(tree, "_fields", ("",))[0] == "h" else tree
    return [leaf for part in parts for leaf in in_column_order(part)]


def concatenated(state: Any) -> np.ndarray:
    """Concatenate the states, (B, size) each, to one array."""
    return np.concatenate(in_column_order(state), axis=1)


def split(array: np.ndarray, sizes: Any) -> Any:
    """Split the columns of an array into states nested like `sizes`."""
    numbers = tree_unflatten(sizes, itertools.count())
    columns = np.split(array, np.cumsum(in_column_order(sizes))[:-1], axis=1)
    numbered = dict(zip(in_column_order(numbers), columns, strict=True))
    return tree_map(numbered.get, numbers)
