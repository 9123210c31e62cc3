"""UGRNN, the update gate RNN (Collins, Sohl-Dickstein, Sussillo 2017).

g = sigma(z_g)   c = phi(z_c)      each z = x W + h R + b
h' = g h + (1 - g) c
"""

from dataclasses import KW_ONLY, dataclass

from ..activations import Activation, function_of
from ..maths import sigmoid
from .base import Cell, glorot_packed


@dataclass(frozen=True)
class UGRNNCell(Cell):
    """A recurrent cell with one gate, between the old state and a candidate.

    kernel and recurrent_kernel are fresh Glorot uniform as one matrix, the bias zero.

    Parameters
    ----------
    units : int
        Number of units H.
    initializer : str, Initializer or dict, optional
        Initialiser of fresh matrices and peepholes, or one for each parameter; see `Cell`.
    use_bias : bool, default True
        Whether there is a bias.
    forget_bias : float, default 1.0
        A constant added to the pre-activation of the gate in every run.
    activation : str or Activation, default "tanh"
        Activation phi of the candidate c, one of `numbarnn.activations`.
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
    kernel             (I, 2H)  blocks g, c
    recurrent_kernel   (H, 2H)  blocks g, c
    bias               (2H,)    blocks g, c
    projection_kernel  (H, P)   with ``num_proj``; recurrent_kernel is then (P, 2H)
    =================  =======  ===================================================

    References
    ----------
    Collins, Sohl-Dickstein, Sussillo 2017, "Capacity and trainability in recurrent neural networks".
    TensorFlow 1, ``tf.contrib.rnn.UGRNNCell``.
    """

    _: KW_ONLY
    forget_bias: float = 1.0
    activation: str | Activation = "tanh"
    use_bias: bool = True
    num_proj: int | None = None
    proj_clip: float | None = None

    inputs = {"g": "xh", "c": "xh"}
    saved = ("g", "c")
    carries_output = True
    initial = glorot_packed

    def forward(self, z: tuple, s: tuple) -> tuple[tuple, tuple]:
        phi = function_of(self.activation)
        g, c = sigmoid(z[0]), phi(z[1])
        return (c + g * (s[0] - c),), (g, c)

    @property
    def offsets(self) -> dict[str, float]:
        return {"g": self.forget_bias}
