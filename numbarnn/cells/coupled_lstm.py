"""LSTM with coupled input and forget gates (Greff et al. 2017): what is forgotten makes room for what comes in.

f = sigma(z_f + p_f c)   g = phi(z_g)      each z = x W + h R + b
c' = clip(f c + (1 - f) g)
o = sigma(z_o + p_o c')
h' = o phi(c')

With layer norm (Ba, Kiros, Hinton 2016) there is no b, each z is normalised before the peepholes and the forget bias
join it, and so is the new c before the clip.
"""

from dataclasses import KW_ONLY, dataclass

from ..maths import ACTIVATIONS, sigmoid
from ._clip import clipped
from ._layer_norm import EPSILON, initial_norm
from ._lstm import output
from .base import Cell, glorot_packed

PEEPHOLES = ("pf", "po")


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

    def _memory(self, z, s):
        """Return the new memory before its norm and its clip, and the gates f and g."""
        (phi, _), z, c = ACTIVATIONS[self.activation], dict(zip(self.inputs, z, strict=False)), s[1]
        shift = self.forget_bias if self.layer_norm else 0  # after the norm; without one `offsets` has it
        f, g = sigmoid(z["f"] + shift + z.get("pf", 0) * c), phi(z["g"])
        return g + f * (c - g), (f, g)

    @property
    def feedback(self):
        return self._before_norm if self.layer_norm else None

    def _before_norm(self, z, s):
        q, _ = self._memory(z, s)
        return q, z

    def forward(self, z, s):
        (phi, _), (c, gates) = ACTIVATIONS[self.activation], self._memory(z, s)
        z = dict(zip(self.inputs, z, strict=True))
        c = clipped(z.get("c", c), self.cell_clip)
        h, o = output(z["o"] + z.get("po", 0) * c, c, phi, sigmoid)
        return (h, c), (*gates, o)

    @property
    def offsets(self):
        return {} if self.layer_norm else {"f": self.forget_bias}
