"""IndRNN, the independently recurrent network (Li et al. 2018): h' = phi(x W + u h + b), u a vector."""

from dataclasses import KW_ONLY, dataclass
from functools import cache

from numba.extending import register_jitable

from .. import initializers
from ..autodiff.equations import Equations
from ..maths import ACTIVATIONS
from .base import Cell


@cache
def equations(phi, d_phi):
    @register_jitable
    def forward(z, s):
        return (phi(z[0] + z[1] * s[0]),), (z[1],)

    @register_jitable
    def backward(saved, s, s1, ds1):
        dz = ds1[0] * d_phi(s1[0])
        return (dz, dz * s[0]), (dz * saved[0],)

    return Equations(forward, backward, hidden=1)


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

    @property
    def equations(self):
        return equations(*ACTIVATIONS[self.activation])

    def initial(self, shapes):
        return {"recurrent_vector": initializers.uniform(-1.0, 1.0)}
