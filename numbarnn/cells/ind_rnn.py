"""IndRNN, the independently recurrent network (Li et al. 2018): h' = phi(x W + u h + b), u a vector."""

from dataclasses import KW_ONLY, dataclass

from .. import initializers
from ..maths import ACTIVATIONS
from .base import Cell


@dataclass(frozen=True)
class IndRNNCell(Cell):
    """A recurrent cell whose units each see only their own past.

    Parameters: kernel (I, H), bias (H), recurrent_vector (H), fresh from U(-1, 1).
    """

    _: KW_ONLY
    activation: str = "relu"
    use_bias: bool = True

    inputs = {"z": "x", "u": ""}

    @property
    def vectors(self):
        return super().vectors | {"recurrent_vector": ("u",)}

    def forward(self, z, s):
        phi, _ = ACTIVATIONS[self.activation]
        return (phi(z[0] + z[1] * s[0]),), ()

    def initial(self, shapes):
        return {"recurrent_vector": initializers.uniform(-1.0, 1.0)}
