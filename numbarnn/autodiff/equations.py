"""What differentiation and engines know of a cell: its scalar formulas."""

from collections.abc import Callable
from typing import NamedTuple


class Equations(NamedTuple):
    """A cell's scalar formulas, all pure functions of tuples of numbers.

    `forward(z, s) -> s1, saved`: from the pre-activations z and the states s to the new states (s1[0] is the
    output) and the values that the gradient needs: those that the cell names, then `hidden` others. `backward(saved,
    s, s1, ds1) -> dz, ds`: from the gradient of the new states to those of z and, by the direct path only, of s; what
    flows back through the products is the engine's business.

    A cell that multiplies something computed within the step (the GRU's r * h) is cut there. `feedback(z, s) -> q,
    carried` runs first, on the pre-activations that are known by then; q is a number or a tuple of them; `carried`,
    one number for each of those pre-activations, stands in their place in the z of `forward`. `backward` gives
    gradients for z in the same way, and whatever `feedback_backward(carried, s, dq) -> dz, ds` needs in the places of
    those that came first, and in `extra` places behind all others.
    """

    forward: Callable
    backward: Callable
    feedback: Callable | None = None
    feedback_backward: Callable | None = None
    hidden: int = 0
    extra: int = 0
