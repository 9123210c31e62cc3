"""SimpleRNN (Elman 1990): h = phi(x W + h R + b); with a projection the network of Jordan (1986)."""

from dataclasses import KW_ONLY, dataclass
from functools import cache

from numba.extending import register_jitable

from ..activations import Activation, derivative_of, function_of
from ..autodiff.equations import Equations
from ..maths import zero
from ._clip import clipped
from .base import Cell


@cache
def gradient(d_phi):
    """Return the gradient, written by hand as a lesson."""

    @register_jitable
    def backward(saved, s, s1, ds1):
        return (ds1[0] * d_phi(s1[0]),), (zero(ds1[0]),)

    return backward


@dataclass(frozen=True)
class SimpleRNNCell(Cell):
    """The basic recurrent cell, whose output is its state.

    Parameters
    ----------
    units : int
        Number of units H.
    initializer : str, Initializer or dict, optional
        Initialiser of fresh matrices and peepholes, or one for each parameter; see `Cell`.
    use_bias : bool, default True
        Whether there is a bias.
    activation : str or Activation, default "tanh"
        Activation phi of the output, one of `numbarnn.activations`.
    num_proj : int, optional
        Width P of the output: h is projected by projection_kernel and then put out and fed back.
    proj_clip : float, optional
        Bound of the projected output: it is clipped to [-proj_clip, proj_clip].
    preactivation_clip : float, optional
        Bound of what the activation is computed from: ONNX' ``clip``. The gradient is zero outside.

    Notes
    -----
    =================  ======  ==================================================
    parameter          shape   content
    =================  ======  ==================================================
    kernel             (I, H)  multiplies the input
    recurrent_kernel   (H, H)  multiplies the last output
    bias               (H,)
    projection_kernel  (H, P)  with ``num_proj``; recurrent_kernel is then (P, H)
    =================  ======  ==================================================

    References
    ----------
    Elman 1990, "Finding structure in time".
    Jordan 1986, "Serial order: a parallel distributed processing approach", for the projection.
    """

    _: KW_ONLY
    activation: str | Activation = "tanh"
    use_bias: bool = True
    num_proj: int | None = None
    proj_clip: float | None = None
    preactivation_clip: float | None = None

    inputs = {"z": "xh"}

    def forward(self, z: tuple, s: tuple) -> tuple[tuple, tuple]:
        phi = function_of(self.activation)
        return (phi(clipped(z[0], self.preactivation_clip)),), ()

    @property
    def equations(self) -> Equations:
        d_phi = derivative_of(self.activation)
        if not d_phi or self.preactivation_clip is not None:
            return super().equations
        return super().equations._replace(backward=gradient(d_phi))
