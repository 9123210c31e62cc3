"""LSTM (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000).

i = sigma(z_i)   f = sigma(z_f)   g = phi(z_g)   o = sigma(z_o)      each z = x W + h R + b
c' = f c + i g
h' = o phi(c')
"""

from dataclasses import KW_ONLY, dataclass
from functools import cache

from numba.extending import register_jitable

from ..maths import ACTIVATIONS, zero
from .base import Cell, Equations


@cache
def equations(phi, d_phi, sigma, d_sigma):
    @register_jitable
    def forward(z, s):
        c = s[1]
        i, f, g, o = sigma(z[0]), sigma(z[1]), phi(z[2]), sigma(z[3])
        c = f * c + i * g
        return (o * phi(c), c), (i, f, g, o)

    @register_jitable
    def backward(saved, s, s1, ds1):
        i, f, g, o = saved
        c, c1 = s[1], s1[1]
        dh, dc = ds1
        a = phi(c1)
        dc = dc + dh * o * d_phi(a)
        di = dc * g * d_sigma(i)
        df = dc * c * d_sigma(f)
        dg = dc * i * d_phi(g)
        do = dh * a * d_sigma(o)
        return (di, df, dg, do), (zero(dh), dc * f)

    return Equations(forward, backward)


@dataclass(frozen=True)
class LSTMCell(Cell):
    """Long short-term memory.

    Parameters: kernel (I, 4H), recurrent_kernel (H, 4H), bias (4H), blocks in the order i, f, g, o. `forget_bias`
    is a constant added to the forget gate's pre-activation at run time (TensorFlow 1 writes 1.0); where it is 0,
    the forget block of a fresh bias is 1 instead (Keras' unit_forget_bias). Derivatives of the activations are
    taken from their values.
    """

    _: KW_ONLY
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    forget_bias: float = 0.0
    use_bias: bool = True

    inputs = {"i": "xh", "f": "xh", "g": "xh", "o": "xh"}
    states = ("h", "c")
    saved = ("i", "f", "g", "o")

    @property
    def equations(self):
        return equations(*ACTIVATIONS[self.activation], *ACTIVATIONS[self.recurrent_activation])

    @property
    def offsets(self):
        return {"f": self.forget_bias}

    @property
    def initial_bias(self):
        return {"f": 0.0 if self.forget_bias else 1.0}
