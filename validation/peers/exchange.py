"""What goes to a peer and comes back, by the tables that move weights: gradients, and biases that it has twice."""

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


def in_halves(first, second, used):
    """Two biases with the same sum: half of each number goes to the second one, where that is not `used` otherwise.

    Every export leaves those zeros. What comes in from another library has numbers in both.
    """
    half = np.where(np.asarray(used) == 0, first / 2, 0)
    return first - half, second + half


def check_return(sent, returned):
    """Raise `AssertionError` unless arrays that came in from a peer go out again as they were sent before."""
    for name, array in sent.items():
        if not np.array_equal(np.asarray(returned[name]), np.asarray(array)):
            raise AssertionError(f"interop gives array {name} back with other numbers")
