"""LSTM (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000).

i = sigma(z_i)   f = sigma(z_f)   g = phi(z_g)   o = sigma(z_o)      each z = x W + h R + b
c' = f c + i g
h' = o phi(c')

With peepholes p (Gers, Schraudolph, Schmidhuber 2002) and a clipped cell state:
i = sigma(z_i + p_i c)   f = sigma(z_f + p_f c)   o = sigma(z_o + p_o c')   c' = clip(f c + i g)
"""

from dataclasses import KW_ONLY, dataclass
from functools import cache

from numba.extending import register_jitable

from ..maths import ACTIVATIONS, zero
from ._clip import GRADIENTS, clipped
from ._lstm import GATES, PEEPHOLES, memory, output
from .base import Cell


@cache
def gradient(phi, d_phi, d_sigma):
    """The gradient written by hand, as a lesson: without peepholes and clip."""

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

    return backward


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
    saved = GATES

    def __post_init__(self):
        super().__post_init__()
        self.check_choice("clip_gradient", GRADIENTS)

    @property
    def inputs(self):
        return dict.fromkeys(self.saved, "xh") | (dict.fromkeys(PEEPHOLES, "") if self.use_peepholes else {})

    @property
    def vectors(self):
        return super().vectors | ({"peephole": PEEPHOLES} if self.use_peepholes else {})

    def forward(self, z, s):
        (phi, _), (sigma, _) = ACTIVATIONS[self.activation], ACTIVATIONS[self.recurrent_activation]
        (zi, zf, zg, zo), (pi, pf, po), c = z[:4], z[4:] or (0, 0, 0), s[1]
        c, (i, f, g) = memory(zi + pi * c, zf + pf * c, zg, c, phi, sigma)
        c = clipped(c, self.cell_clip, self.clip_gradient)
        h, o = output(zo + po * c, c, phi, sigma)
        return (h, c), (i, f, g, o)

    @property
    def equations(self):
        if self.use_peepholes or self.cell_clip is not None:
            return super().equations
        (phi, d_phi), (_, d_sigma) = ACTIVATIONS[self.activation], ACTIVATIONS[self.recurrent_activation]
        return super().equations._replace(backward=gradient(phi, d_phi, d_sigma))

    @property
    def offsets(self):
        return {"f": self.forget_bias}

    @property
    def initial_bias(self):
        return {"f": 0.0 if self.forget_bias else 1.0}
