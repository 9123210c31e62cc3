"""The results of the unrolling functions."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ..run import Gradients


class Unrolled(NamedTuple("Unrolled", [("outputs", Any), ("state", Any)])):
    """The pair (outputs, state) of an unrolling function, and its gradient.

    Parameters
    ----------
    outputs : ndarray, list or tuple of ndarray
        Outputs of every step, as the function says.
    state : Any
        Final state, nested like the `state_size` of the cell.
    backward : callable
        ``backward(d_outputs=None, d_state=None)`` returns `Gradients`, by back-propagation through time. It takes the
        gradients of a loss with respect to `outputs` and `state`, in their structure; None, for the whole or for a
        part, stands for zeros. The `params`, `inputs` and `initial_state` of the result are structured like the
        arguments of the function. It can be called repeatedly, and raises `InputError` for arrays that do not fit.
    """

    backward: Callable[..., Gradients]

    def __new__(cls, outputs: Any, state: Any, backward: Callable[..., Gradients]):
        self = super().__new__(cls, outputs, state)
        self.backward = backward
        return self


class UnrolledBothWays(NamedTuple("UnrolledBothWays", [("outputs", Any), ("state_fw", Any), ("state_bw", Any)])):
    """The triple (outputs, state_fw, state_bw) of a bidirectional unrolling function, and its gradient.

    Attributes
    ----------
    outputs : ndarray or list of ndarray
        Outputs of every step, as the function says.
    state_fw, state_bw : Any
        Final states of the two directions.
    backward : callable
        As that of `Unrolled`; `d_state` and the gradient of the initial state are pairs (forward, backward).
    """

    backward: Callable[..., Gradients]

    def __new__(cls, outputs: Any, state_fw: Any, state_bw: Any, backward: Callable[..., Gradients]):
        self = super().__new__(cls, outputs, state_fw, state_bw)
        self.backward = backward
        return self

    @property
    def state(self) -> tuple[Any, Any]:
        """The pair of the two final states."""
        return self.state_fw, self.state_bw
