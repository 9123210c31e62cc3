"""IndRNN, the independently recurrent network (Li et al. 2018): h' = phi(x W + u h + b), u a vector."""

from dataclasses import KW_ONLY, dataclass
from typing import Any

from .. import initializers
from ..activations import Activation, function_of
from .base import Cell


@dataclass(frozen=True)
class IndRNNCell(Cell):
    """A recurrent cell in which each unit sees only its own past.

    Parameters
    ----------
    units : int
        Number of units H.
    initializer : str, Initializer or dict, optional
        Initialiser of fresh matrices and peepholes, or one for each parameter; see `Cell`.
    use_bias : bool, default True
        Whether there is a bias.
    activation : str or Activation, default "relu"
        Activation phi of the output, one of `numbarnn.activations`.

    Notes
    -----
    ================  ======  ====================================================
    parameter         shape   content
    ================  ======  ====================================================
    kernel            (I, H)  multiplies the input
    bias              (H,)
    recurrent_vector  (H,)    multiplies the last output; fresh uniform in [-1, 1)
    ================  ======  ====================================================

    References
    ----------
    Li et al. 2018, "Independently recurrent neural network (IndRNN): building a longer and deeper RNN".
    """

    _: KW_ONLY
    activation: str | Activation = "relu"
    use_bias: bool = True

    inputs = {"z": "x", "u": ""}

    @property
    def vectors(self) -> dict[str, tuple[str, ...]]:
        return super().vectors | {"recurrent_vector": ("u",)}

    def forward(self, z: tuple, s: tuple) -> tuple[tuple, tuple]:
        phi = function_of(self.activation)
        return (phi(z[0] + z[1] * s[0]),), ()

    def initial(self, shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
        return {"recurrent_vector": initializers.uniform(-1.0, 1.0)}
