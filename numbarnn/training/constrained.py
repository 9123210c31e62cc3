"""Updates of parameters under constraints: whole, or not at all."""

import numpy as np

from ..constraints import MinMaxNorm, NonNeg
from ..errors import InputError

# whatever the numbers are, these neither raise nor change a shape
SURE = NonNeg, MinMaxNorm


def update(optimizer, params, gradients, squares, constraints):
    """Update parameters, then apply those of the constraints {name: function} that are theirs.

    Raises what a constraint raises, or `InputError` for one that does not give finite numbers of the parameter's shape;
    nothing has changed then.
    """
    constraints = {name: constraint for name, constraint in constraints.items() if name in params}
    restore = None if all(isinstance(c, SURE) for c in constraints.values()) else snapshot(optimizer, params)
    try:
        optimizer.apply(params, gradients, squares)
        for name, constraint in constraints.items():
            new = constraint(params[name])
            params[name][...] = new if isinstance(constraint, SURE) else checked(name, params[name], new)
    except BaseException:
        if restore is not None:
            restore()
        raise


def snapshot(optimizer, params):
    """Return a function that gives parameters and the optimiser's memory their values of now again."""
    arrays = [*params.values(), *(slot for name in params for slot in optimizer.slots.get(name, {}).values())]
    kept, slots, iterations = [array.copy() for array in arrays], dict(optimizer.slots), optimizer.iterations

    def restore():
        for array, old in zip(arrays, kept, strict=True):
            array[...] = old
        optimizer.slots, optimizer.iterations = slots, iterations

    return restore


def checked(name, w, new):
    """Return what a constraint gave for w; raise `InputError` unless these are finite numbers of its shape."""
    array = np.asarray(new)
    if array.shape != w.shape or array.dtype.kind not in "fiu":
        got = "none" if new is None else f"{array.dtype} of shape {array.shape}"
        raise InputError(f"constraint of {name}: expected numbers of shape {w.shape}, got {got}")
    if not np.isfinite(array).all():
        raise InputError(f"constraint of {name}: expected finite numbers, got NaN or infinity")
    return array
