"""UGRNN, the update gate RNN (Collins, Sohl-Dickstein, Sussillo 2017).

g = sigma(z_g)   c = phi(z_c)      each z = x W + h R + b
h' = g h + (1 - g) c
"""

from dataclasses import KW_ONLY, dataclass

from ..maths import ACTIVATIONS, sigmoid
from .base import Cell, glorot_packed


@dataclass(frozen=True)
class UGRNNCell(Cell):
    """A recurrent cell with one gate, between the old state and a candidate; as in TensorFlow 1 contrib.

    Parameters: kernel (I, 2H), recurrent_kernel (H, 2H), bias (2H), blocks in the order g, c. `forget_bias` is added
    to the gate's pre-activation at run time; a fresh bias is zero. `num_proj`: what is fed
    back is the state times projection_kernel (H, num_proj), clipped to +- `proj_clip`; State is then (h, s) with the
    output h and the state s, recurrent_kernel (num_proj, 2H).
    """

    _: KW_ONLY
    forget_bias: float = 1.0
    activation: str = "tanh"
    use_bias: bool = True
    num_proj: int | None = None
    proj_clip: float | None = None

    inputs = {"g": "xh", "c": "xh"}
    saved = ("g", "c")
    carries_output = True
    initial = glorot_packed

    def forward(self, z, s):
        phi, _ = ACTIVATIONS[self.activation]
        g, c = sigmoid(z[0]), phi(z[1])
        return (c + g * (s[0] - c),), (g, c)

    @property
    def offsets(self):
        return {"g": self.forget_bias}
