"""Gradients of a peer's arrays as those of our parameters, by the table that moves the weights."""

import numpy as np


def gradients_in(cell, params, to_peer, from_peer, gradients):
    """{name of a parameter: gradient} from the gradients {name: array} of what `to_peer(cell, params)` makes.

    A bias that the peer has twice is ours once. Both have the same gradient: the second, of which every export is
    zero, is left out.
    """
    ones = to_peer(cell, {name: np.ones_like(array) for name, array in params.items()})
    ours = {
        name: np.where(np.asarray(ones[name]) != 0, array, array.dtype.type(0)) for name, array in gradients.items()
    }
    return from_peer(ours, cell)[1]
