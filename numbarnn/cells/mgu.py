"""MGU, the minimal gated unit (Zhou et al. 2016), reset after the product, as in Flax.

f = sigma(x W_f + h R_f + b_f)
m = h R_n + b_m
n = phi(x W_n + b_n + f m)
h' = f h + (1 - f) n
"""

from dataclasses import KW_ONLY, dataclass

from ..activations import Activation, function_of
from .base import Cell


@dataclass(frozen=True)
class MGUCell(Cell):
    """Minimal gated unit: a GRU whose one gate both resets and updates, as in Flax.

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
        Activation sigma of the gate, likewise.
    num_proj : int, optional
        Width P of the output: the state s, projected by projection_kernel, is put out and fed back. The cell's state is
        then ``State(h, s)``, the output h and the unprojected s.
    proj_clip : float, optional
        Bound of the projected output: it is clipped to [-proj_clip, proj_clip].

    Notes
    -----
    =================  =======  ===================================================
    parameter          shape    content
    =================  =======  ===================================================
    kernel             (I, 2H)  blocks f, n
    recurrent_kernel   (H, 2H)  blocks f, m
    bias               (3H,)    blocks f, n, m
    projection_kernel  (H, P)   with ``num_proj``; recurrent_kernel is then (P, 2H)
    =================  =======  ===================================================

    m is the recurrent part of the candidate n, which f multiplies.

    References
    ----------
    Zhou, Wu, Zhang, Zhou 2016, "Minimal gated unit for recurrent neural networks".
    """

    _: KW_ONLY
    activation: str | Activation = "tanh"
    recurrent_activation: str | Activation = "sigmoid"
    use_bias: bool = True
    num_proj: int | None = None
    proj_clip: float | None = None

    inputs = {"f": "xh", "n": "x", "m": "h"}
    saved = ("f", "n", "m")
    carries_output = True

    def forward(self, z: tuple, s: tuple) -> tuple[tuple, tuple]:
        phi, sigma = function_of(self.activation), function_of(self.recurrent_activation)
        f, m = sigma(z[0]), z[2]
        n = phi(z[1] + f * m)
        return (n + f * (s[0] - n),), (f, n, m)
