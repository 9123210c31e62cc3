"""All arrays of a set of parameters or gradients as one vector, and back."""

from typing import Any

import numpy as np

from ..errors import InputError
from .tree import tree_leaves, tree_map

__all__ = ["flatten", "unflatten"]


def flatten(params: Any) -> np.ndarray:
    """Copy all arrays into one vector, as optimisers of SciPy and sums over processes take them.

    Parameters
    ----------
    params : dict of str to ndarray, or nested tuple of such
        Parameters or gradients, all of one dtype, such as those of a cell, of a pair of cells, or of a model.

    Returns
    -------
    ndarray (n,)
        Their numbers, of their dtype: dictionary after dictionary, array after array, each in C order. A new array.

    Raises
    ------
    InputError
        If it is something else than arrays of one dtype.

    Examples
    --------
    >>> vector = nr.flatten(model.trainable_params)
    >>> nr.unflatten(vector, like=model.trainable_params)
    """
    arrays = _arrays("flatten", params)
    return np.concatenate([array.ravel() for array in arrays]) if arrays else np.zeros(0)


def unflatten(vector: np.ndarray, like: Any) -> Any:
    """Cut a vector of `flatten` into arrays again.

    Parameters
    ----------
    vector : ndarray (n,)
        The numbers.
    like : dict of str to ndarray, or nested tuple of such
        Arrays whose names, shapes and dtype the result has.

    Returns
    -------
    dict of str to ndarray, or nested tuple of such
        New arrays with the numbers of the vector.

    Raises
    ------
    InputError
        If the vector has another length.
    """
    sizes, vector = [array.size for array in _arrays("unflatten", like)], np.asarray(vector)
    if vector.shape != (sum(sizes),) or vector.dtype.kind not in "fiu":
        raise InputError(
            f"unflatten: expected a vector of {sum(sizes)} numbers, got {vector.dtype} of shape {vector.shape}"
        )
    pieces = iter(np.split(vector, np.cumsum(sizes)[:-1]))

    def filled(arrays):
        return {name: next(pieces).reshape(array.shape).astype(array.dtype) for name, array in arrays.items()}

    return tree_map(filled, like)


def _arrays(caller, params):
    """List the arrays; raise `InputError` unless they are NumPy arrays of one dtype."""
    arrays = []
    for part in tree_leaves(params):
        if not isinstance(part, dict):
            raise InputError(f"{caller}: expected a dict of arrays, or a tuple of such, got {type(part).__name__}")
        arrays += part.values()
        for name, array in part.items():
            got = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
            if got != getattr(arrays[0], "dtype", None):
                expected = f"{name} to be an array of the dtype of the first one"
                raise InputError(f"{caller}: expected {expected}, got {got}")
    return arrays
