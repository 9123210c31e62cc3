"""Inputs in nested tuples: their features side by side are what a cell reads."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import InputError
from ...utils.tree import tree_leaves, tree_unflatten
from ..run import Gradients


def is_nested(inputs: Any, axes: int) -> bool:
    """Say whether these are arrays of so many axes in nested tuples, and not sequences of different lengths."""
    leaves = tree_leaves(inputs) if isinstance(inputs, tuple) else []
    return bool(leaves) and all(getattr(leaf, "ndim", None) == axes for leaf in leaves)


def side_by_side(caller: str, inputs: Any) -> np.ndarray:
    """Put the arrays of nested tuples side by side, from left to right; raise `InputError` if they do not fit."""
    leaves = [np.asarray(leaf) for leaf in tree_leaves(inputs)]
    first = leaves[0]
    if any(leaf.shape[:-1] != first.shape[:-1] or leaf.dtype != first.dtype for leaf in leaves):
        got = ", ".join(f"{leaf.dtype} {leaf.shape}" for leaf in leaves)
        raise InputError(f"{caller}: expected nested inputs of one dtype, and one shape but for features, got {got}")
    return np.concatenate(leaves, axis=-1)


def apart(array: np.ndarray, inputs: Any) -> Any:
    """Take an array (..., features) apart into tuples nested as the inputs are: the inverse of `side_by_side`."""
    ends = np.cumsum([np.shape(leaf)[-1] for leaf in tree_leaves(inputs)])[:-1]
    return tree_unflatten(inputs, np.split(array, ends, axis=-1))


def with_inputs(backward: Callable[..., Gradients], change: Callable[[Any], Any]) -> Callable[..., Gradients]:
    """Return a gradient whose part for the inputs is changed by a function."""

    def changed(d_outputs: Any = None, d_state: Any = None) -> Gradients:
        grads = backward(d_outputs, d_state)
        return replace(grads, inputs=change(grads.inputs))

    return changed
