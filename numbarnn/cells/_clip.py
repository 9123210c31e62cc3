"""Clipping of a cell state to [-limit, limit], and the gradient through it."""

from functools import cache

from numba.extending import register_jitable

from ..maths import absolute, clip, constant, linear, straight_through, where_less, zero

GRADIENTS = ("exact", "straight_through")


@register_jitable
def untouched(value, d):
    return d


@cache
def clipping(limit, gradient):
    """`clipped(value)`, and `through(value, d)`: the gradient of the value from that of the clipped one.

    "exact": d where -limit <= value <= limit, else 0; "straight_through": d everywhere, as TensorFlow's block cells.
    A `limit` of None clips nothing.
    """
    if limit is None:
        return linear, untouched

    @register_jitable
    def clipped(value):
        return clip(value, constant(value, -limit), constant(value, limit))

    @register_jitable
    def clipped_straight_through(value):
        return straight_through(value, clipped(value))

    @register_jitable
    def inside(value, d):
        return where_less(constant(value, limit), absolute(value), zero(d), d)

    return {"exact": (clipped, inside), "straight_through": (clipped_straight_through, untouched)}[gradient]
