"""NASCell, found by architecture search (Zoph and Le 2017, figure 8).

a_k = x W_k   b_k = h R_k      k = 0 .. 7
l_0 = sigma(a_0 + b_0)   l_1 = relu(a_1 + b_1)   l_2 = sigma(a_2 + b_2)   l_3 = relu(a_3 b_3)
l_4 = tanh(a_4 + b_4)    l_5 = sigma(a_5 + b_5)  l_6 = tanh(a_6 + b_6)    l_7 = sigma(a_7 + b_7)
p_0 = tanh(l_0 l_1)      p_1 = tanh(l_2 + l_3)   p_2 = tanh(l_4 l_5)      p_3 = sigma(l_6 + l_7)
q_0 = tanh(p_0 + c)      q_1 = tanh(p_2 + p_3)
c' = q_0 p_1
h' = tanh(c' q_1)
"""

from dataclasses import KW_ONLY, dataclass
from typing import Any

from .. import initializers
from ..maths import relu, sigmoid, tanh
from .base import Cell


@dataclass(frozen=True)
class NASCell(Cell):
    """The cell that neural architecture search found.

    Its memory c is a product of two numbers below 1 in size, so it is below 1 itself. Both kernels are fresh Glorot
    uniform.

    Parameters
    ----------
    units : int
        Number of units H.
    initializer : str, Initializer or dict, optional
        Initialiser of fresh matrices and peepholes, or one for each parameter; see `Cell`.
    num_proj : int, optional
        Width P of the output: h is projected by projection_kernel and then put out and fed back.
    use_biases : bool, default False
        Whether there is a bias, which belongs to the recurrent parts; a fresh one is zero.

    Notes
    -----
    =================  =======  ===================================================
    parameter          shape    content
    =================  =======  ===================================================
    kernel             (I, 8H)  blocks 0 to 7
    recurrent_kernel   (H, 8H)  blocks 0 to 7
    bias               (8H,)    blocks 0 to 7; with ``use_biases``
    projection_kernel  (H, P)   with ``num_proj``; recurrent_kernel is then (P, 8H)
    =================  =======  ===================================================

    The states are h, the output, and c, the memory. Block 3 multiplies its input part "3" and its recurrent part "3h";
    the others are sums.

    References
    ----------
    Zoph and Le 2017, "Neural architecture search with reinforcement learning", figure 8.
    TensorFlow 1, ``tf.contrib.rnn.NASCell``.
    """

    _: KW_ONLY
    num_proj: int | None = None
    use_biases: bool = False

    inputs = {
        **{"0": "xh", "1": "xh", "2": "xh"},
        **{"3": "x", "3h": "h"},
        **{"4": "xh", "5": "xh", "6": "xh", "7": "xh"},
    }
    states = ("h", "c")
    saved = tuple(inputs)

    @property
    def vectors(self) -> dict[str, tuple[str, ...]]:
        return {"bias": self.fed_by("h")} if self.use_biases else {}

    def forward(self, z: tuple, s: tuple) -> tuple[tuple, tuple]:
        a3, b3 = z[3], z[4]
        l0, l1, l2, l3 = sigmoid(z[0]), relu(z[1]), sigmoid(z[2]), relu(a3 * b3)
        l4, l5, l6, l7 = tanh(z[5]), sigmoid(z[6]), tanh(z[7]), sigmoid(z[8])
        p0, p1, p2, p3 = tanh(l0 * l1), tanh(l2 + l3), tanh(l4 * l5), sigmoid(l6 + l7)
        q0, q1 = tanh(p0 + s[1]), tanh(p2 + p3)
        c = q0 * p1
        return (tanh(c * q1), c), (l0, l1, l2, a3, b3, l4, l5, l6, l7)

    def initial(self, shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
        return {"recurrent_kernel": initializers.glorot_uniform}
