"""GRU with the reset gate before the product (Cho et al. 2014, version 3).

r = sigma(x W_r + h R_r + b_r)   z = sigma(x W_z + h R_z + b_z)
q = r h
n = phi(x W_n + q R_n + b_n)
h' = z h + (1 - z) n
"""

from dataclasses import KW_ONLY, dataclass
from functools import cache

from numba.extending import register_jitable

from ..maths import ACTIVATIONS, one
from .base import Cell, Equations


@cache
def equations(phi, d_phi, sigma, d_sigma):
    @register_jitable
    def feedback(z, s):
        r, u = sigma(z[0]), sigma(z[1])
        return r * s[0], (r, u)

    @register_jitable
    def forward(z, s):
        r, u, n = z[0], z[1], phi(z[2])
        return (n + u * (s[0] - n),), (r, u, n)

    @register_jitable
    def backward(saved, s, s1, ds1):
        r, u, n = saved
        dh = ds1[0]
        du = dh * (s[0] - n) * d_sigma(u)
        dn = dh * (one(u) - u) * d_phi(n)
        return (r, du, dn), (dh * u,)

    @register_jitable
    def feedback_backward(carried, s, dq):
        r, du = carried
        return (dq * s[0] * d_sigma(r), du), (dq * r,)

    return Equations(forward, backward, feedback, feedback_backward)


@dataclass(frozen=True)
class GRUCell(Cell):
    """Gated recurrent unit, reset before the product, as in TensorFlow 1 and in Keras with reset_after=False.

    Parameters: kernel (I, 3H), recurrent_kernel (H, 3H), bias (3H), blocks in the order r, z, n. z is the part of the
    old state that is kept. A fresh bias is 1 for both gates (TensorFlow 1).
    """

    _: KW_ONLY
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    use_bias: bool = True

    inputs = {"r": "xh", "z": "xh", "n": "xq"}
    saved = ("r", "z", "n")

    @property
    def equations(self):
        return equations(*ACTIVATIONS[self.activation], *ACTIVATIONS[self.recurrent_activation])

    @property
    def initial_bias(self):
        return {"r": 1.0, "z": 1.0}
