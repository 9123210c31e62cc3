"""Clipping of a cell state to [-limit, limit], with the gradient that is wanted."""

from ..maths import clip, straight_through


def exact(value, limit):
    return clip(value, -limit, limit)


def passing(value, limit):
    return straight_through(value, exact(value, limit))


GRADIENTS = {"exact": exact, "straight_through": passing}


def clipped(value, limit, gradient="exact"):
    """Clip the value to [-limit, limit]; None clips nothing.

    The gradient is d where -limit <= value <= limit, else 0 ("exact"), or d everywhere ("straight_through"), as in
    TensorFlow's block cells.
    """
    return value if limit is None else GRADIENTS[gradient](value, limit)
