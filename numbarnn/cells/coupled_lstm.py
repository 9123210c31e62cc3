"""LSTM with coupled input and forget gates (Greff et al. 2017): what is forgotten makes room for what comes in.

f = sigma(z_f + p_f c)   g = phi(z_g)      each z = x W + h R + b
c' = clip(f c + (1 - f) g)
o = sigma(z_o + p_o c')
h' = o phi(c')
"""

from dataclasses import KW_ONLY, dataclass
from functools import cache

from numba.extending import register_jitable

from ..autodiff.equations import Equations
from ..maths import ACTIVATIONS, d_sigmoid, one, sigmoid, zero
from ._clip import clipping
from ._peepholes import two, without_peepholes
from .base import Cell, glorot_packed

PEEPHOLES = ("pf", "po")


@cache
def equations(phi, d_phi, clip, through_clip):
    @register_jitable
    def forward(z, s):
        pf, po = z[3:]
        f, g = sigmoid(z[0] + pf * s[1]), phi(z[1])
        c = clip(g + f * (s[1] - g))
        o = sigmoid(z[2] + po * c)
        return (o * phi(c), c), (f, g, o, pf, po)

    @register_jitable
    def backward(saved, s, s1, ds1):
        f, g, o, pf, po = saved
        c, c1 = s[1], s1[1]
        dh, dc = ds1
        a = phi(c1)
        do = dh * a * d_sigmoid(o)
        dc = dc + dh * o * d_phi(a) + do * po
        dc = through_clip(g + f * (c - g), dc)
        df = dc * (c - g) * d_sigmoid(f)
        dg = dc * (one(f) - f) * d_phi(g)
        return (df, dg, do, df * c, do * c1), (zero(dh), dc * f + df * pf)

    return Equations(forward, backward, hidden=2)


@dataclass(frozen=True)
class CoupledInputForgetGateLSTMCell(Cell):
    """LSTM whose input gate is 1 - f, as in TensorFlow 1 contrib.

    Parameters: kernel (I, 3H), recurrent_kernel (H, 3H), bias (3H), blocks in the order f, g, o. `forget_bias` is added
    to f's pre-activation at run time; a fresh bias is zero. `use_peepholes`: parameter peephole (2, H) in the order
    f, o. `cell_clip`: the new c is clipped to +- this, and no gradient passes outside. `num_proj`, `proj_clip`: as in
    `LSTMCell`.
    """

    _: KW_ONLY
    use_peepholes: bool = False
    cell_clip: float | None = None
    num_proj: int | None = None
    proj_clip: float | None = None
    forget_bias: float = 1.0
    activation: str = "tanh"

    states = ("h", "c")
    saved = ("f", "g", "o")
    use_bias = True
    initial = glorot_packed

    @property
    def inputs(self):
        return dict.fromkeys(self.saved, "xh") | (dict.fromkeys(PEEPHOLES, "") if self.use_peepholes else {})

    @property
    def vectors(self):
        return super().vectors | ({"peephole": PEEPHOLES} if self.use_peepholes else {})

    @property
    def equations(self):
        full = equations(*ACTIVATIONS[self.activation], *clipping(self.cell_clip, "exact"))
        return full if self.use_peepholes else without_peepholes(full, 3, two)

    @property
    def offsets(self):
        return {"f": self.forget_bias}
