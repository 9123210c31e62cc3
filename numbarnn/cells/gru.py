"""GRU with the reset gate before the product (Cho et al. 2014, version 3).

r = sigma(x W_r + h R_r + b_r)   z = sigma(x W_z + h R_z + b_z)
q = r h
n = phi(x W_n + q R_n + b_n)
h' = z h + (1 - z) n      update="keep"
h' = (1 - z) h + z n      update="seed"
"""

from dataclasses import KW_ONLY, dataclass
from functools import cache
from typing import Any

from numba.extending import register_jitable

from ..activations import Activation, derivative_of, function_of
from ..autodiff.equations import Equations
from ._clip import clipped
from ._update import UPDATES
from .base import Cell


@cache
def gradients(d_phi, d_sigma, d_mixed):
    """Return the two gradients, written by hand as a lesson.

    `backward` passes r and the gradient of z to `feedback_backward`, in their places.
    """

    @register_jitable
    def backward(saved, s, s1, ds1):
        r, u, n = saved
        du, dh, dn = d_mixed(u, s[0], n, ds1[0])
        return (r, du * d_sigma(u), dn * d_phi(n)), (dh,)

    @register_jitable
    def feedback_backward(carried, s, dq):
        r, du = carried
        return (dq * s[0] * d_sigma(r), du), (dq * r,)

    return backward, feedback_backward


@dataclass(frozen=True)
class GRUCell(Cell):
    """Gated recurrent unit with the reset gate before the product.

    A fresh bias lets both gates keep the old state: it is 1 for r and for z, as in TensorFlow 1, and -1 for z with the
    update "seed".

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
    =================  =======  ===============================================================
    parameter          shape    content
    =================  =======  ===============================================================
    kernel             (I, 3H)  blocks r, z, n
    recurrent_kernel   (H, 3H)  blocks r, z, n
    bias               (3H,)    blocks r, z, n
    projection_kernel  (H, P)   with ``num_proj``; recurrent_kernel is then (P, 2H), of r and z
    feedback_kernel    (H, H)   with ``num_proj``; multiplies r s for n
    =================  =======  ===============================================================

    References
    ----------
    Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder for statistical machine translation",
    arXiv:1406.1078v3.
    TensorFlow 1, ``tf.nn.rnn_cell.GRUCell``; Keras with ``reset_after=False``.
    """

    _: KW_ONLY
    activation: str | Activation = "tanh"
    recurrent_activation: str | Activation = "sigmoid"
    use_bias: bool = True
    update: str = "keep"
    num_proj: int | None = None
    proj_clip: float | None = None
    preactivation_clip: float | None = None

    inputs = {"r": "xh", "z": "xh", "n": "xq"}
    saved = ("r", "z", "n")
    carries_output = True

    def __post_init__(self):
        super().__post_init__()
        self.check_choice("update", UPDATES)

    def feedback(self, z: tuple, s: tuple) -> tuple[Any, tuple]:
        sigma = function_of(self.recurrent_activation)
        r, u = (sigma(clipped(v, self.preactivation_clip)) for v in z[:2])
        return r * s[0], (r, u)

    def forward(self, z: tuple, s: tuple) -> tuple[tuple, tuple]:
        phi, (mixed, _) = function_of(self.activation), UPDATES[self.update]
        r, u, n = z[0], z[1], phi(clipped(z[2], self.preactivation_clip))
        return (mixed(u, s[0], n),), (r, u, n)

    @property
    def equations(self) -> Equations:
        d_phi, d_sigma = derivative_of(self.activation), derivative_of(self.recurrent_activation)
        if not d_phi or not d_sigma or self.preactivation_clip is not None:
            return super().equations
        backward, feedback_backward = gradients(d_phi, d_sigma, UPDATES[self.update][1])
        return super().equations._replace(backward=backward, feedback_backward=feedback_backward)

    @property
    def initial_bias(self) -> dict[str, float]:
        return {"r": 1.0, "z": {"keep": 1.0, "seed": -1.0}[self.update]}
