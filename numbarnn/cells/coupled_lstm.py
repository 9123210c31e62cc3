"""LSTM with coupled input and forget gates (Greff et al. 2017): what is forgotten makes room for what comes in.

f = sigma(z_f + p_f c)   g = phi(z_g)      each z = x W + h R + b
c' = clip(f c + (1 - f) g)
o = sigma(z_o + p_o c')
h' = o phi(c')

With layer norm (Ba, Kiros, Hinton 2016) there is no b, each z is normalised before the peepholes and the forget bias
join it, and so is the new c before the clip.
"""

from dataclasses import KW_ONLY, dataclass
from functools import cache

from numba.extending import register_jitable

from ..autodiff.equations import Equations
from ..maths import ACTIVATIONS, d_sigmoid, one, sigmoid, zero
from ._clip import clipping
from ._peepholes import two, without_peepholes
from .base import Cell, glorot_packed
from .layer_norm_lstm import EPSILON, initial_norm

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

    `layer_norm`: norm_scale and norm_shift (4, H) of f, g, o, c instead of the bias; `norm_gain` and `norm_shift`:
    fresh norm_scale and norm_shift. 1e-12 is added to variances, and `forget_bias` after the norm.
    """

    _: KW_ONLY
    use_peepholes: bool = False
    cell_clip: float | None = None
    num_proj: int | None = None
    proj_clip: float | None = None
    forget_bias: float = 1.0
    activation: str = "tanh"
    layer_norm: bool = False
    norm_gain: float = 1.0
    norm_shift: float = 0.0

    states = ("h", "c")
    saved = ("f", "g", "o")
    norm_epsilon = EPSILON["per_gate"]

    @property
    def inputs(self):
        peepholes = dict.fromkeys(PEEPHOLES, "") if self.use_peepholes else {}
        return dict.fromkeys(self.saved, "xh") | peepholes | ({"c": "="} if self.layer_norm else {})

    @property
    def norms(self):
        return (*((gate,) for gate in self.saved), ("c",)) if self.layer_norm else ()

    @property
    def vectors(self):
        bias = {} if self.layer_norm else super().vectors
        return bias | ({"peephole": PEEPHOLES} if self.use_peepholes else {})

    def initial(self, shapes):
        norm = initial_norm(self) if self.layer_norm else {}
        return glorot_packed(self, shapes) | norm

    def feedback(self, z, s):
        """With layer norm: the new c, which is normalised before `forward` reads it."""
        zf, zg, zo, *peepholes = z
        pf = peepholes[0] if peepholes else 0
        f, g = sigmoid(zf + self.forget_bias + pf * s[1]), ACTIVATIONS[self.activation][0](zg)
        return g + f * (s[1] - g), (f, g, zo, *peepholes)

    def forward(self, z, s):
        f, g, zo, *peepholes, normed = z
        c = clipping(self.cell_clip, "exact")[0](normed)
        o = sigmoid(zo + (peepholes[1] * c if peepholes else 0))
        return (o * ACTIVATIONS[self.activation][0](c), c), (f, g, o)

    @property
    def equations(self):
        if self.layer_norm:
            return super().equations  # derived from `feedback` and `forward`
        full = equations(*ACTIVATIONS[self.activation], *clipping(self.cell_clip, "exact"))
        return full if self.use_peepholes else without_peepholes(full, 3, two)

    @property
    def offsets(self):
        return {} if self.layer_norm else {"f": self.forget_bias}
