"""MGU, the minimal gated unit (Zhou et al. 2016), reset after the product, as in Flax.

f = sigma(x W_f + h R_f + b_f)
m = h R_n + b_m
n = phi(x W_n + b_n + f m)
h' = f h + (1 - f) n
"""

from dataclasses import KW_ONLY, dataclass

from ..maths import ACTIVATIONS
from .base import Cell


@dataclass(frozen=True)
class MGUCell(Cell):
    """Minimal gated unit: a GRU whose one gate both resets and updates.

    Parameters: kernel (I, 2H) in the order f, n; recurrent_kernel (H, 2H) in the order f, m; bias (3H) in the order
    f, n, m, where m is the recurrent part of n. `num_proj`: what is fed back is the state times projection_kernel
    (H, num_proj), clipped to +- `proj_clip`; State is then (h, s) with the output h and the state s, recurrent_kernel
    (num_proj, 2H).
    """

    _: KW_ONLY
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    use_bias: bool = True
    num_proj: int | None = None
    proj_clip: float | None = None

    inputs = {"f": "xh", "n": "x", "m": "h"}
    saved = ("f", "n", "m")
    carries_output = True

    def forward(self, z, s):
        (phi, _), (sigma, _) = ACTIVATIONS[self.activation], ACTIVATIONS[self.recurrent_activation]
        f, m = sigma(z[0]), z[2]
        n = phi(z[1] + f * m)
        return (n + f * (s[0] - n),), (f, n, m)
