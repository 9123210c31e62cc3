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

from ..maths import ACTIVATIONS
from ._update import UPDATES
from .base import Cell


@cache
def gradient(d_phi, d_sigma, d_mixed):
    """The gradient written by hand, as a lesson."""

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
    """Gated recurrent unit, reset after the product, as in PyTorch, cuDNN and Keras 3.

    Parameters: kernel (I, 3H) in the order r, z, n; recurrent_kernel (H, 3H) in the order r, z, m; bias (4H) in the
    order r, z, n, m, where m is the recurrent part of n. z is the part of the old state that is kept, or with `update`
    "seed" the part that is new. `num_proj`: what is fed back is the state times projection_kernel (H, num_proj),
    clipped to +- `proj_clip`; State is then (h, s) with the output h and the state s, recurrent_kernel (num_proj, 3H).
    """

    _: KW_ONLY
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    use_bias: bool = True
    update: str = "keep"
    num_proj: int | None = None
    proj_clip: float | None = None

    inputs = {"r": "xh", "z": "xh", "n": "x", "m": "h"}
    saved = ("r", "z", "n", "m")
    carries_output = True

    def __post_init__(self):
        super().__post_init__()
        self.check_choice("update", UPDATES)

    def forward(self, z, s):
        (phi, _), (sigma, _) = ACTIVATIONS[self.activation], ACTIVATIONS[self.recurrent_activation]
        mixed, _ = UPDATES[self.update]
        r, u, m = sigma(z[0]), sigma(z[1]), z[3]
        n = phi(z[2] + r * m)
        return (mixed(u, s[0], n),), (r, u, n, m)

    @property
    def equations(self):
        (_, d_phi), (_, d_sigma) = ACTIVATIONS[self.activation], ACTIVATIONS[self.recurrent_activation]
        return super().equations._replace(backward=gradient(d_phi, d_sigma, UPDATES[self.update][1]))
