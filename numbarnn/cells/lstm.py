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

from ..activations import Activation, derivative_of, function_of
from ..autodiff.equations import Equations
from ..maths import zero
from ._clip import GRADIENTS, clipped
from ._lstm import GATES, PEEPHOLES, memory, output
from .base import Cell


@cache
def gradient(phi, d_phi, d_sigma):
    """Return the gradient, written by hand as a lesson: without peepholes and clip."""

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

    Parameters
    ----------
    units : int
        Number of units H.
    initializer : str, Initializer or dict, optional
        Initialiser of fresh matrices and peepholes, or one for each parameter; see `Cell`.
    use_bias : bool, default True
        Whether there is a bias.
    activation : str or Activation, default "tanh"
        Activation phi of the candidate g and of the new memory c, one of `numbarnn.activations`.
    recurrent_activation : str or Activation, default "sigmoid"
        Activation sigma of the gates, likewise.
    forget_bias : float, default 0.0
        A constant added to the pre-activation of the forget gate in every run; TensorFlow 1 has 1.0. If it is 0, the
        forget block of a fresh bias is 1 instead, as Keras' unit_forget_bias.
    use_peepholes : bool, default False
        Whether the gates see the memory: i and f the old one, o the new one.
    cell_clip : float, optional
        Bound of the new memory: it is clipped to [-cell_clip, cell_clip].
    clip_gradient : {"exact", "straight_through"}, default "exact"
        Whether the gradient of the memory is zero outside that bound, or passes as if there were no clip.
    num_proj : int, optional
        Width P of the output: h is projected by projection_kernel and then put out and fed back.
    proj_clip : float, optional
        Bound of the projected output: it is clipped to [-proj_clip, proj_clip].
    output_activation : str or Activation, optional
        Activation of the new memory c where it is put out, likewise; by default that of the candidate.
    preactivation_clip : float, optional
        Bound of what the gates and the candidate are computed from, peepholes among it: ONNX' ``clip``. The gradient is
        zero outside.

    Notes
    -----
    =================  =======  ===================================================
    parameter          shape    content
    =================  =======  ===================================================
    kernel             (I, 4H)  blocks i, f, g, o
    recurrent_kernel   (H, 4H)  blocks i, f, g, o
    bias               (4H,)    blocks i, f, g, o
    peephole           (3, H)   of i, f, o; with ``use_peepholes``
    projection_kernel  (H, P)   with ``num_proj``; recurrent_kernel is then (P, 4H)
    =================  =======  ===================================================

    The states are h, the output, and c, the memory. The derivative of an activation is taken from its value.

    References
    ----------
    Hochreiter and Schmidhuber 1997, "Long short-term memory".
    Gers, Schmidhuber, Cummins 2000, "Learning to forget: continual prediction with LSTM", for the forget gate.
    Gers, Schraudolph, Schmidhuber 2002, "Learning precise timing with LSTM recurrent networks", for peepholes.
    Sak, Senior, Beaufays 2014, "Long short-term memory based recurrent neural network architectures for large
    vocabulary speech recognition", for the projection.
    """

    _: KW_ONLY
    activation: str | Activation = "tanh"
    recurrent_activation: str | Activation = "sigmoid"
    forget_bias: float = 0.0
    use_bias: bool = True
    use_peepholes: bool = False
    cell_clip: float | None = None
    clip_gradient: str = "exact"
    num_proj: int | None = None
    proj_clip: float | None = None
    output_activation: str | Activation | None = None
    preactivation_clip: float | None = None

    states = ("h", "c")
    saved = GATES

    def __post_init__(self):
        super().__post_init__()
        self.check_choice("clip_gradient", GRADIENTS)

    @property
    def inputs(self) -> dict[str, str]:
        return dict.fromkeys(self.saved, "xh") | (dict.fromkeys(PEEPHOLES, "") if self.use_peepholes else {})

    @property
    def vectors(self) -> dict[str, tuple[str, ...]]:
        return super().vectors | ({"peephole": PEEPHOLES} if self.use_peepholes else {})

    def forward(self, z: tuple, s: tuple) -> tuple[tuple, tuple]:
        phi, sigma = function_of(self.activation), function_of(self.recurrent_activation)
        (zi, zf, zg, zo), (pi, pf, po), c = z[:4], z[4:] or (0, 0, 0), s[1]
        zi, zf, zg = (clipped(v, self.preactivation_clip) for v in (zi + pi * c, zf + pf * c, zg))
        c, (i, f, g) = memory(zi, zf, zg, c, phi, sigma)
        c = clipped(c, self.cell_clip, self.clip_gradient)
        phi = phi if self.output_activation is None else function_of(self.output_activation)
        h, o = output(clipped(zo + po * c, self.preactivation_clip), c, phi, sigma)
        return (h, c), (i, f, g, o)

    @property
    def equations(self) -> Equations:
        d_phi, d_sigma = derivative_of(self.activation), derivative_of(self.recurrent_activation)
        further = self.cell_clip, self.preactivation_clip, self.output_activation
        if not d_phi or not d_sigma or self.use_peepholes or further != (None,) * 3:
            return super().equations
        phi = function_of(self.activation)
        return super().equations._replace(backward=gradient(phi, d_phi, d_sigma))

    @property
    def offsets(self) -> dict[str, float]:
        return {"f": self.forget_bias}

    @property
    def initial_bias(self) -> dict[str, float]:
        return {"f": 0.0 if self.forget_bias else 1.0}
