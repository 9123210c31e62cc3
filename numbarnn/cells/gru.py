"""GRU with the reset gate before the product (Cho et al. 2014, version 3).

r = sigma(x W_r + h R_r + b_r)   z = sigma(x W_z + h R_z + b_z)
q = r h
n = phi(x W_n + q R_n + b_n)
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
def gradients(d_phi, d_sigma, d_mixed):
    """The gradients written by hand, as a lesson.

    `backward` hands r, and the gradient of z, on to `feedback_backward`.
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
    """Gated recurrent unit, reset before the product, as in TensorFlow 1 and in Keras with reset_after=False.

    Parameters: kernel (I, 3H), recurrent_kernel (H, 3H), bias (3H), blocks in the order r, z, n. z is the part of the
    old state that is kept, or with `update` "seed" the part that is new. A fresh bias lets both gates keep the old
    state: 1 (TensorFlow 1), for z with "seed" -1.

    `num_proj`: the output, which the gates see in the next step, is the state times projection_kernel (H, num_proj),
    clipped to +- `proj_clip`; State is then (h, s) with the output h and the state s, recurrent_kernel (num_proj, 2H)
    of r and z, and feedback_kernel (H, H) of n.
    """

    _: KW_ONLY
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    use_bias: bool = True
    update: str = "keep"
    num_proj: int | None = None
    proj_clip: float | None = None

    inputs = {"r": "xh", "z": "xh", "n": "xq"}
    saved = ("r", "z", "n")
    carries_output = True

    def __post_init__(self):
        super().__post_init__()
        self.check_choice("update", UPDATES)

    def feedback(self, z, s):
        sigma, _ = ACTIVATIONS[self.recurrent_activation]
        r, u = sigma(z[0]), sigma(z[1])
        return r * s[0], (r, u)

    def forward(self, z, s):
        (phi, _), (mixed, _) = ACTIVATIONS[self.activation], UPDATES[self.update]
        r, u, n = z[0], z[1], phi(z[2])
        return (mixed(u, s[0], n),), (r, u, n)

    @property
    def equations(self):
        (_, d_phi), (_, d_sigma) = ACTIVATIONS[self.activation], ACTIVATIONS[self.recurrent_activation]
        backward, feedback_backward = gradients(d_phi, d_sigma, UPDATES[self.update][1])
        return super().equations._replace(backward=backward, feedback_backward=feedback_backward)

    @property
    def initial_bias(self):
        return {"r": 1.0, "z": {"keep": 1.0, "seed": -1.0}[self.update]}
