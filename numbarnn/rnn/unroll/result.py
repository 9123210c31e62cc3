"""What every unrolling function returns."""

from collections import namedtuple


class Unrolled(namedtuple("Unrolled", "outputs state")):
    """The pair (outputs, state), with the way to the gradient.

    `backward(d_outputs=None, d_state=None)` takes gradients of a loss structured like `outputs` and `state` (None for
    none, for the whole or for a part) and gives `Gradients` structured like the `params`, `inputs` and `initial_state`
    that went in. It can be asked more than once. Raises `InputError`.
    """

    def __new__(cls, outputs, state, backward):
        self = super().__new__(cls, outputs, state)
        self.backward = backward
        return self
