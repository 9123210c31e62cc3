"""GRU with the reset gate after the product (Cho et al. 2014, version 1; PyTorch, cuDNN, Keras 3).

r = sigma(x W_r + h R_r + b_r)   z = sigma(x W_z + h R_z + b_z)
m = h R_n + b_m
n = phi(x W_n + b_n + r m)
h' = z h + (1 - z) n      update="keep"
h' = (1 - z) h + z n      update="seed"
"""

from dataclasses import KW_ONLY, dataclass
from functools import cache

from numba.extending import register_jitable

from ..activations import Activation, derivative_of, function_of
from ..autodiff.equations import Equations
from ._clip import clipped
from ._update import UPDATES
from .base import Cell


@cache
def gradient(d_phi, d_sigma, d_mixed):
    """Return the gradient, written by hand as a lesson."""

    @register_jitable
    def backward(saved, s, s1, ds1):
        r, u, n, m = saved
        du, dh, dn = d_mixed(u, s[0], n, ds1[0])
        dn = dn * d_phi(n)
        dr = dn * m * d_sigma(r)
        return (dr, du * d_sigma(u), dn, dn * r), (dh,)

    return backward


@dataclass(frozen=True)
class ResetAfterGRUCell(Cell):
    """Gated recurrent unit with the reset gate after the product, as in PyTorch, cuDNN and Keras 3.

    Parameters
    ----------
    units : int
        Number of units H.
    initializer : str, Initializer or dict, optional
        Initialiser of fresh matrices and peepholes, or one for each parameter; see `Cell`.
    use_bias : bool, default True
        Whether there is a bias.
    activation : str or Activation, default "tanh"
        Activation phi of the candidate n, one of `numbarnn.activations`.
    recurrent_activation : str or Activation, default "sigmoid"
        Activation sigma of the gates, likewise.
    update : {"keep", "seed"}, default "keep"
        Whether the gate z is the part of the old state that is kept, or the part that is new.
    num_proj : int, optional
        Width P of the output: the state s, projected by projection_kernel, is put out and fed back. The cell's state is
        then ``State(h, s)``, the output h and the unprojected s.
    proj_clip : float, optional
        Bound of the projected output: it is clipped to [-proj_clip, proj_clip].
    preactivation_clip : float, optional
        Bound of what the gates and the candidate are computed from: ONNX' ``clip``. The gradient is zero outside.

    Notes
    -----
    =================  =======  ===================================================
    parameter          shape    content
    =================  =======  ===================================================
    kernel             (I, 3H)  blocks r, z, n
    recurrent_kernel   (H, 3H)  blocks r, z, m
    bias               (4H,)    blocks r, z, n, m
    projection_kernel  (H, P)   with ``num_proj``; recurrent_kernel is then (P, 3H)
    =================  =======  ===================================================

    m is the recurrent part of the candidate n, which r multiplies.

    References
    ----------
    Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder for statistical machine translation",
    arXiv:1406.1078v1.
    """

    _: KW_ONLY
    activation: str | Activation = "tanh"
    recurrent_activation: str | Activation = "sigmoid"
    use_bias: bool = True
    update: str = "keep"
    num_proj: int | None = None
    proj_clip: float | None = None
    preactivation_clip: float | None = None

    inputs = {"r": "xh", "z": "xh", "n": "x", "m": "h"}
    saved = ("r", "z", "n", "m")
    carries_output = True

    def __post_init__(self):
        super().__post_init__()
        self.check_choice("update", UPDATES)

    def forward(self, z: tuple, s: tuple) -> tuple[tuple, tuple]:
        phi, sigma = function_of(self.activation), function_of(self.recurrent_activation)
        mixed, _ = UPDATES[self.update]
        (r, u), m = (sigma(clipped(v, self.preactivation_clip)) for v in z[:2]), z[3]
        n = phi(clipped(z[2] + r * m, self.preactivation_clip))
        return (mixed(u, s[0], n),), (r, u, n, m)

    @property
    def equations(self) -> Equations:
        d_phi, d_sigma = derivative_of(self.activation), derivative_of(self.recurrent_activation)
        if not d_phi or not d_sigma or self.preactivation_clip is not None:
            return super().equations
        return super().equations._replace(backward=gradient(d_phi, d_sigma, UPDATES[self.update][1]))
