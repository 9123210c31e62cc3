"""SimpleRNN (Elman 1990): h = phi(x W + h R + b); with a projection the network of Jordan (1986)."""

from dataclasses import KW_ONLY, dataclass
from functools import cache

from numba.extending import register_jitable

from ..maths import ACTIVATIONS, zero
from .base import Cell


@cache
def gradient(d_phi):
    """The gradient written by hand, as a lesson."""

    @register_jitable
    def backward(saved, s, s1, ds1):
        return (ds1[0] * d_phi(s1[0]),), (zero(ds1[0]),)

    return backward


@dataclass(frozen=True)
class SimpleRNNCell(Cell):
    """The basic recurrent cell; its output is its state.

    Parameters: kernel (I, H), recurrent_kernel (H, H), bias (H). Elman (1990), "Finding structure in time".
    `num_proj`: the output, and what is fed back, is h projection_kernel (H, num_proj), clipped to +- `proj_clip`;
    recurrent_kernel is then (num_proj, H). Jordan (1986), "Serial order".
    """

    _: KW_ONLY
    activation: str = "tanh"
    use_bias: bool = True
    num_proj: int | None = None
    proj_clip: float | None = None

    inputs = {"z": "xh"}

    def forward(self, z, s):
        phi, _ = ACTIVATIONS[self.activation]
        return (phi(z[0]),), ()

    @property
    def equations(self):
        _, d_phi = ACTIVATIONS[self.activation]
        return super().equations._replace(backward=gradient(d_phi))
