"""LSTMs with layer norm (Ba, Kiros, Hinton 2016), in the three forms that libraries have.

"per_gate" (TensorFlow 1): z = norm(x W + h R) for each gate alone; the normalised c is the state.
"joint" (the paper): z = norm(x W) + norm(h R), each over all gates; c stays as it is, h' = o phi(norm(c')).
"stored" (TensorFlow Addons): z as in "joint", the normalised c is the state.

The equations are in layer_norm_equations.py.
"""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from .. import initializers
from ..errors import InputError
from ..maths import ACTIVATIONS, sigmoid
from ..ops.random import bernoulli
from . import _layer_norm_equations as forms
from ._clip import clipping
from .base import Cell, glorot_packed
from .lstm import PEEPHOLES

GATES = ("i", "f", "g", "o")
EPSILON = {"per_gate": 1e-12, "joint": 1e-5, "stored": 1e-3}


def initial_norm(cell):
    """Initialisers of norm_scale and norm_shift: the cell's `norm_gain` and `norm_shift`."""
    return {
        "norm_scale": initializers.constant(cell.norm_gain),
        "norm_shift": initializers.constant(cell.norm_shift),
    }


@dataclass(frozen=True)
class LayerNormLSTMCell(Cell):
    """Long short-term memory with layer norm.

    Parameters: kernel (I, 4H), recurrent_kernel (H, 4H), blocks in the order i, f, g, o, no bias; norm_scale and
    norm_shift (5, H) of i, f, g, o, c, or (9, H) of the gates' input parts, their recurrent parts, and c where
    `variant` is "joint" or "stored". `epsilon` is added to variances; None: 1e-12, 1e-5, 1e-3 for the variants.
    `norm_gain` and `norm_shift`: fresh norm_scale and norm_shift. `forget_bias` is added after the norm.

    `use_peepholes`, `cell_clip` (with its exact gradient, after the norm), `num_proj` and `proj_clip`: as in
    `LSTMCell`; the first two exist for "per_gate" only.
    """

    _: KW_ONLY
    variant: str = "per_gate"
    activation: str = "tanh"
    forget_bias: float = 1.0
    use_peepholes: bool = False
    cell_clip: float | None = None
    num_proj: int | None = None
    proj_clip: float | None = None
    epsilon: float | None = None
    norm_gain: float = 1.0
    norm_shift: float = 0.0

    states = ("h", "c")
    saved = GATES

    def __post_init__(self):
        super().__post_init__()
        self.check_choice("variant", EPSILON)
        if self.epsilon is not None:
            self.check_positive("epsilon", "number")
        if self.variant != "per_gate" and (self.use_peepholes or self.cell_clip is not None):
            raise InputError(f"{type(self).__name__}: peepholes and cell_clip exist for variant 'per_gate' only")

    @property
    def inputs(self):
        if self.variant == "per_gate":
            peepholes = dict.fromkeys(PEEPHOLES, "") if self.use_peepholes else {}
            return dict.fromkeys(GATES, "xh") | peepholes | {"c": "="}
        return {f"{source}{gate}": source for source in "xh" for gate in GATES} | {"c": "="}

    @property
    def norms(self):
        if self.variant == "per_gate":
            return (*((gate,) for gate in GATES), ("c",))
        return self.fed_by("x"), self.fed_by("h"), ("c",)

    @property
    def norm_epsilon(self):
        return EPSILON[self.variant] if self.epsilon is None else self.epsilon

    @property
    def vectors(self):
        return {"peephole": PEEPHOLES} if self.use_peepholes else {}

    @property
    def equations(self):
        functions = *ACTIVATIONS[self.activation], self.forget_bias
        if self.variant == "joint":
            return forms.raw(*functions, forms.SUMS)
        per_gate = forms.PEEPHOLES if self.use_peepholes else forms.GATES
        layout = per_gate if self.variant == "per_gate" else forms.SUMS
        return forms.normalised(*functions, *clipping(self.cell_clip, "exact"), layout)

    def initial(self, shapes):
        packed = glorot_packed(self, shapes) if self.variant == "per_gate" else {}
        return packed | initial_norm(self)


@dataclass(frozen=True)
class LayerNormBasicLSTMCell(Cell):
    """`LayerNormLSTMCell` of the variant "per_gate" with dropout of g (Semeniuta, Severyn, Barth 2016), as TensorFlow
    1 contrib: the memory itself is never dropped.

    `dropout_keep_prob`: the part of g that is kept in training, for each step, row and unit, and scaled by its inverse.
    With `layer_norm` False there is no norm, and a bias (4H) instead of norm_scale and norm_shift.
    """

    _: KW_ONLY
    forget_bias: float = 1.0
    activation: str = "tanh"
    layer_norm: bool = True
    norm_gain: float = 1.0
    norm_shift: float = 0.0
    dropout_keep_prob: float = 1.0

    states = ("h", "c")
    saved = GATES
    norm_epsilon = EPSILON["per_gate"]

    def __post_init__(self):
        super().__post_init__()
        self.check_positive("dropout_keep_prob", "number")
        if self.dropout_keep_prob > 1:
            raise InputError(
                f"{type(self).__name__}: expected dropout_keep_prob of at most 1, got {self.dropout_keep_prob}"
            )

    @property
    def inputs(self):
        return dict.fromkeys(GATES, "xh") | {"keep": "m"} | ({"c": "="} if self.layer_norm else {})

    @property
    def norms(self):
        return (*((gate,) for gate in GATES), ("c",)) if self.layer_norm else ()

    @property
    def vectors(self):
        return {} if self.layer_norm else super().vectors

    @property
    def equations(self):
        if not self.layer_norm:
            return super().equations  # derived from `forward`
        functions = *ACTIVATIONS[self.activation], self.forget_bias
        return forms.normalised(*functions, *clipping(None, "exact"), forms.MASK)

    def forward(self, z, s):
        phi, (zi, zf, zg, zo, k) = ACTIVATIONS[self.activation][0], z
        i, f, g, o = sigmoid(zi), sigmoid(zf + self.forget_bias), phi(zg), sigmoid(zo)
        c = f * s[1] + i * (g * k)
        return (o * phi(c), c), (i, f, g, o)

    def draw(self, shape, dtype, options):
        """What g is multiplied with: 0 or 1 / dropout_keep_prob in training, else 1."""
        if not options.training or self.dropout_keep_prob == 1:
            return {"keep": np.ones((1, 1, 1), dtype)}
        kept = bernoulli(options.random(type(self).__name__), self.dropout_keep_prob, shape)
        return {"keep": kept.astype(dtype) / dtype.type(self.dropout_keep_prob)}

    initial = LayerNormLSTMCell.initial
    variant = "per_gate"
