"""The update of a model by the gradients of a batch: whole, or not at all."""

import math
import warnings

import numpy as np

from ..errors import InputError
from ..ops.sum_of_squares import squares_by_name
from ..rnn.arguments import check_array
from ..utils.writable import check_writable
from . import constrained


def update_weights(model, gradients, updates=None, transform=None):
    """Change the parameters by the gradients of the loss, and set non-trainable weights to ``updates``.

    Returns False if a number is not finite; nothing has changed then.
    """
    updates, params = updates or {}, model.trainable_params
    gradients = with_penalties(model, gradients, params)
    if transform is not None:
        gradients = transformed(transform, gradients)
    squares = squares_by_name(gradients)
    # a sum of squares that is infinite may only have overflowed
    if not all(math.isfinite(square) or all_finite(gradients[name]) for name, square in squares.items()):
        return False
    if not all(map(all_finite, updates.values())):
        return False
    try:
        model.optimizer.rate()
    except InputError as error:
        warnings.warn(str(error), RuntimeWarning, stacklevel=3)
        return False
    if updates:
        check_writable(model.name, {("weight", name): model.weights[name] for name in updates})
    with model._interrupts.deferred():
        if params and model.constraints:
            constrained.update(model.optimizer, params, gradients, squares, model.constraints)
        elif params:
            model.optimizer.apply(params, gradients, squares)
        for name, new in updates.items():
            model.weights[name][...] = new
    return True


def with_penalties(model, gradients, params):
    """Return the gradients of these parameters, those of their regularisers included; zeros where none arrives."""
    gradients = {name: gradients[name] if name in gradients else np.zeros_like(w) for name, w in params.items()}
    for name, regularizer in model.regularizers.items():
        if name in params:
            gradients[name] = gradients[name] + regularizer.gradient(params[name])
    return gradients


def transformed(transform, gradients):
    """Return the gradients that a function of the caller makes of those of all parameters."""
    found = transform(gradients)
    if not isinstance(found, dict) or found.keys() != gradients.keys():
        got = ", ".join(map(str, found)) if isinstance(found, dict) else type(found).__name__
        raise InputError(f"gradient_transform: expected a dict of {', '.join(gradients)}, got {got}")
    return {
        name: check_array("gradient_transform", f"the gradient of {name}", found[name], g.shape, g.dtype)
        for name, g in gradients.items()
    }


def all_finite(array):
    return np.isfinite(array).all()
