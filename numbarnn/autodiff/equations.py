"""A cell's scalar formulas, which differentiation makes and engines run."""

from collections.abc import Callable
from typing import NamedTuple


class Equations(NamedTuple):
    """A cell's scalar formulas, all pure functions of tuples of numbers.

    `forward(z, s) -> s1, saved` maps the pre-activations z and the states s to the new states (s1[0] is the output) and
    to the values that the gradient needs: the gates that the cell names, then `hidden` others. `backward(saved, s, s1,
    ds1) -> dz, ds` maps the gradients of the new states to those of z and of s. ds holds the direct path only: the
    engine adds what flows back through the matrix products.

    A cell that multiplies a value computed within the step (the GRU's r * h) is split there. `feedback(z, s) -> q,
    carried` runs first, on the pre-activations that need no q. q is a number or a tuple of them. `carried` has one
    number for each of those pre-activations, which replaces it in the z of `forward`. `backward` returns in their
    places, and in `extra` places behind all of z, whatever `feedback_backward(carried, s, dq) -> dz, ds` needs.
    """

    forward: Callable
    backward: Callable
    feedback: Callable | None = None
    feedback_backward: Callable | None = None
    hidden: int = 0
    extra: int = 0
