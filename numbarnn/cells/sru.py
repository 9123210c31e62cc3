"""SRU, the simple recurrent unit (Lei et al. 2018), in its first form: gates see the input only.

g = x W_g   y = x W_y   f = sigma(x W_f + b_f)   r = sigma(x W_r + b_r)
c' = f c + (1 - f) g
h' = r phi(c') + (1 - r) y
"""

from dataclasses import KW_ONLY, dataclass

from ..activations import Activation, function_of
from ..maths import sigmoid
from .base import Cell


@dataclass(frozen=True)
class SRUCell(Cell):
    """Simple recurrent unit: gates of the input keep the past, which no matrix multiplies.

    Parameters
    ----------
    units : int
        Number of units H.
    initializer : str, Initializer or dict, optional
        Initialiser of fresh matrices and peepholes, or one for each parameter; see `Cell`.
    use_bias : bool, default True
        Whether there is a bias.
    activation : str or Activation, default "tanh"
        Activation phi of the new memory c, one of `numbarnn.activations`.

    Notes
    -----
    =========  =======  =================
    parameter  shape    content
    =========  =======  =================
    kernel     (I, 4H)  blocks g, f, r, y
    bias       (2H,)    blocks f, r
    =========  =======  =================

    The states are h, the output, and c, the memory. g is the candidate; y goes past the memory to the output.

    References
    ----------
    Lei et al. 2018, "Simple recurrent units for highly parallelizable recurrence".
    """

    _: KW_ONLY
    activation: str | Activation = "tanh"
    use_bias: bool = True

    inputs = {"g": "x", "f": "x", "r": "x", "y": "x"}
    states = ("h", "c")
    saved = ("g", "f", "r", "y")

    @property
    def vectors(self) -> dict[str, tuple[str, ...]]:
        return {"bias": ("f", "r")} if self.use_bias else {}

    def forward(self, z: tuple, s: tuple) -> tuple[tuple, tuple]:
        phi = function_of(self.activation)
        g, f, r, y = z[0], sigmoid(z[1]), sigmoid(z[2]), z[3]
        c = g + f * (s[1] - g)
        return (y + r * (phi(c) - y), c), (g, f, r, y)
