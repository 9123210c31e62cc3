"""GRU with the reset gate after the product (Cho et al. 2014, version 1; PyTorch, cuDNN, Keras 3).

r = sigma(x W_r + h R_r + b_r)   z = sigma(x W_z + h R_z + b_z)
m = h R_n + b_m
n = phi(x W_n + b_n + r m)
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
    def forward(z, s):
        r, u, m = sigma(z[0]), sigma(z[1]), z[3]
        n = phi(z[2] + r * m)
        return (n + u * (s[0] - n),), (r, u, n, m)

    @register_jitable
    def backward(saved, s, s1, ds1):
        r, u, n, m = saved
        dh = ds1[0]
        du = dh * (s[0] - n) * d_sigma(u)
        dn = dh * (one(u) - u) * d_phi(n)
        dr = dn * m * d_sigma(r)
        return (dr, du, dn, dn * r), (dh * u,)

    return Equations(forward, backward)


@dataclass(frozen=True)
class ResetAfterGRUCell(Cell):
    """Gated recurrent unit, reset after the product, as in PyTorch, cuDNN and Keras 3.

    Parameters: kernel (I, 3H) in the order r, z, n; recurrent_kernel (H, 3H) in the order r, z, m; bias (4H) in the
    order r, z, n, m, where m is the recurrent part of n. z is the part of the old state that is kept.
    """

    _: KW_ONLY
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    use_bias: bool = True

    inputs = {"r": "xh", "z": "xh", "n": "x", "m": "h"}
    saved = ("r", "z", "n", "m")

    @property
    def equations(self):
        return equations(*ACTIVATIONS[self.activation], *ACTIVATIONS[self.recurrent_activation])
