"""Fresh parameters by the initialiser that a cell was given."""

import numpy as np

from .. import initializers
from ..errors import InputError

FED = {"kernel": "x", "recurrent_kernel": "h", "feedback_kernel": "q"}  # what each of these matrices multiplies
NOT_DRAWN = {"bias", "norm_scale", "norm_shift"}  # by one initialiser for the whole cell


def checked(caller, initializer):
    """Return the option `initializer`: None, a function, or pairs (parameter, function)."""
    if initializer is None:
        return None
    if isinstance(initializer, dict):
        initializer = tuple(initializer.items())
    if isinstance(initializer, tuple):
        return tuple((name, checked(caller, value)) for name, value in initializer)
    try:
        return initializers.get(initializer)
    except InputError as error:
        raise InputError(f"{caller}: {error}") from None


def draw(cell, params, rng, dtype):
    """Fill in the parameters that the cell's initialiser makes."""
    if isinstance(cell.initializer, tuple):
        for name, maker in cell.initializer:
            if name not in params:
                raise InputError(f"{type(cell).__name__}: no parameter {name!r}; there are {', '.join(params)}")
            params[name][:] = initializers.draw(type(cell).__name__, maker, params[name].shape, rng, dtype)
    elif cell.initializer is not None:
        draw_all(cell, cell.initializer, params, rng, dtype)


def draw_all(cell, maker, params, rng, dtype):
    """Draw every matrix and peephole, as TensorFlow 1: each peephole alone, the matrices of x and of h as one."""
    products = {name: array for name, array in params.items() if name in FED}
    for group in zip(*products.values(), strict=True) if products["kernel"].ndim == 3 else [products.values()]:
        draw_products(cell, maker, dict(zip(products, group, strict=True)), rng, dtype)
    for name in params.keys() - products.keys() - NOT_DRAWN:
        vectors = [params[name]] if name.endswith("kernel") or params[name].ndim == 1 else params[name]
        for array in vectors:
            array[:] = initializers.draw(type(cell).__name__, maker, array.shape, rng, dtype)


def draw_products(cell, maker, products, rng, dtype):
    """Draw the columns of pre-activations that are fed alike as one matrix, those of x above those of h.

    The gates of a GRU, for example, have one such matrix and its candidate another.
    """
    units = products["kernel"].shape[1] // len(cell.fed_by("x"))
    blocks = {source: {} for source in cell.inputs.values()}  # {what feeds it: {matrix: blocks of its columns}}
    for matrix, array in products.items():
        fed = "hq" if matrix == "recurrent_kernel" and "feedback_kernel" not in products else FED[matrix]
        for k, name in enumerate(cell.fed_by(fed)):
            blocks[cell.inputs[name]].setdefault(matrix, []).append(array[:, k * units : (k + 1) * units])
    for matrices in filter(None, blocks.values()):
        heights = [len(first) for first, *_ in matrices.values()]
        count = len(next(iter(matrices.values())))
        shape = sum(heights), count * units
        drawn = initializers.draw(type(cell).__name__, maker, shape, rng, dtype)
        for columns, rows in zip(matrices.values(), np.split(drawn, np.cumsum(heights)[:-1]), strict=True):
            for block, values in zip(columns, np.split(rows, count, axis=1), strict=True):
                block[:] = values
