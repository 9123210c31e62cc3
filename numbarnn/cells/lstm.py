"""LSTM (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000).

i = sigma(z_i)   f = sigma(z_f)   g = phi(z_g)   o = sigma(z_o)      each z = x W + h R + b
c' = f c + i g
h' = o phi(c')

With peepholes or a clipped cell state: peephole_lstm.py.
"""

from dataclasses import KW_ONLY, dataclass
from functools import cache

from numba.extending import register_jitable

from ..autodiff.equations import Equations
from ..maths import ACTIVATIONS, zero
from . import _clip as clip
from . import _peephole_lstm as peephole_lstm
from ._peepholes import three, without_peepholes
from .base import Cell

PEEPHOLES = ("pi", "pf", "po")


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

    `use_peepholes`: parameter peephole (3, H) in the order i, f, o (Gers, Schraudolph, Schmidhuber 2002). `cell_clip`:
    the new c is clipped to +- this; `clip_gradient` "exact" stops its gradient outside, "straight_through" does not.
    `num_proj`: h is h projection_kernel (H, num_proj), clipped to +- `proj_clip` (Sak, Senior, Beaufays 2014);
    recurrent_kernel is then (num_proj, 4H).
    """

    _: KW_ONLY
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    forget_bias: float = 0.0
    use_bias: bool = True
    use_peepholes: bool = False
    cell_clip: float | None = None
    clip_gradient: str = "exact"
    num_proj: int | None = None
    proj_clip: float | None = None

    states = ("h", "c")
    saved = ("i", "f", "g", "o")

    def __post_init__(self):
        super().__post_init__()
        self.check_choice("clip_gradient", clip.GRADIENTS)

    @property
    def inputs(self):
        return dict.fromkeys(self.saved, "xh") | (dict.fromkeys(PEEPHOLES, "") if self.use_peepholes else {})

    @property
    def vectors(self):
        return super().vectors | ({"peephole": PEEPHOLES} if self.use_peepholes else {})

    @property
    def equations(self):
        functions = *ACTIVATIONS[self.activation], *ACTIVATIONS[self.recurrent_activation]
        if not self.use_peepholes and self.cell_clip is None:
            return equations(*functions)
        full = peephole_lstm.equations(*functions, *clip.clipping(self.cell_clip, self.clip_gradient))
        return full if self.use_peepholes else without_peepholes(full, 4, three)

    @property
    def offsets(self):
        return {"f": self.forget_bias}

    @property
    def initial_bias(self):
        return {"f": 0.0 if self.forget_bias else 1.0}
