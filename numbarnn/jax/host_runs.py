"""The forward and the backward pass on the host: functions of NumPy arrays, for `host_call`."""

from dataclasses import dataclass
from typing import Any

import jax  # pyright: ignore[reportMissingImports]  # an extra
import numpy as np

from ..cells.rnn_cell import RNNCell
from ..rnn.run import Run, forward
from ..utils.tree import tree_leaves, tree_unflatten
from .kept_runs import KEPT


@dataclass(frozen=True)
class Runner:
    """Run a cell on the leaves of a tree of arguments.

    Parameters
    ----------
    cell : RNNCell
    time_major : bool
    reverse : bool
    tree : PyTreeDef
        The structure of the arguments {params, x, initial_state, lengths, mask, reset_mask, seed}; the initial state is
        a list, and those that are not given are None.
    """

    cell: RNNCell
    time_major: bool
    reverse: bool
    tree: Any

    def run(self, leaves: Any, save: str) -> Run:
        """Run the cell; the same bits for the same arguments."""
        given = jax.tree.unflatten(self.tree, leaves)
        params, x, state, seed = (given.pop(name) for name in ("params", "x", "initial_state", "seed"))
        if state is not None:
            given["initial_state"] = tree_unflatten(self.cell.state_size, state)
        if seed is not None:
            given |= {"training": True, "rng": int(seed[0]) << 32 | int(seed[1])}
        layout = {"time_major": self.time_major, "reverse": self.reverse}
        return forward(self.cell, params, x, save=save, **layout, **given)


@dataclass(frozen=True)
class Forward(Runner):
    """Return outputs and final states."""

    def __call__(self, *leaves: np.ndarray) -> list[np.ndarray]:
        return _results(self.run(leaves, save="minimal"))


@dataclass(frozen=True)
class ForwardAndKeep(Runner):
    """Return outputs, final states, and the handle of the run, which is kept for `Backward`."""

    def __call__(self, *leaves: np.ndarray) -> list[np.ndarray]:
        # copies, as XLA takes its memory back
        run = self.run([leaf.copy() for leaf in leaves], save="all")
        return [*_results(run), KEPT.add(run)]


@dataclass(frozen=True)
class Backward(Runner):
    """Return the gradients of {params, x, initial_state}, the leaves of this tree, as far as there are any."""

    def __call__(self, handle: np.ndarray, d_outputs: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
        sizes = self.cell.state_size
        count = len(tree_leaves(sizes))
        run = KEPT.take(handle) or self.run(others[count:], save="all")
        grads = run.backward(d_outputs, tree_unflatten(sizes, others))
        state = None if run.arguments[2] is None else tree_leaves(grads.initial_state)
        return jax.tree.leaves({"params": grads.params, "x": grads.inputs, "initial_state": state})


def _results(run):
    return [run.outputs, *tree_leaves(run.state)]
