"""LSTMs with layer norm (Ba, Kiros, Hinton 2016), in the three forms that libraries have.

"per_gate" (TensorFlow 1): z = norm(x W + h R) for each gate alone; the normalised c is the state.
"joint" (the paper): z = norm(x W) + norm(h R), each over all gates; c stays as it is, h' = o phi(norm(c')).
"stored" (TensorFlow Addons): z as in "joint", the normalised c is the state.

i = sigma(z_i + p_i c)   f = sigma(z_f + forget_bias + p_f c)   g = phi(z_g)
q = f c + i g            n = clip(norm(q))
o = sigma(z_o + p_o n)   h' = o phi(n)      c' = n, or q ("joint")
"""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from ..errors import InputError
from ..maths import ACTIVATIONS, sigmoid
from ..ops.random import bernoulli
from ._clip import clipped
from ._layer_norm import EPSILON, initial_norm
from ._lstm import GATES, PEEPHOLES, memory, output
from .base import Cell, glorot_packed


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
        raw = {"q": "="} if self.variant == "joint" else {}
        return {f"{source}{gate}": source for source in "xh" for gate in GATES} | {"c": "="} | raw

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

    def named(self, z):
        """{name: pre-activation}, of all that are known; those of the gates are sums."""
        z = dict(zip(self.inputs, z, strict=False))
        return z if self.variant == "per_gate" else z | {gate: z[f"x{gate}"] + z[f"h{gate}"] for gate in GATES}

    def memory(self, z, s):
        """The new memory before its norm, and the gates i, f, g."""
        (phi, _), z, c = ACTIVATIONS[self.activation], self.named(z), s[1]
        z_i, z_f = z["i"] + z.get("pi", 0) * c, z["f"] + self.forget_bias + z.get("pf", 0) * c
        return memory(z_i, z_f, z["g"], c, phi, sigmoid)

    def feedback(self, z, s):
        q, _ = self.memory(z, s)
        return q, z

    def forward(self, z, s):
        (phi, _), (_, gates), z = ACTIVATIONS[self.activation], self.memory(z, s), self.named(z)
        n = clipped(z["c"], self.cell_clip)
        h, o = output(z["o"] + z.get("po", 0) * n, n, phi, sigmoid)
        return (h, z.get("q", n)), (*gates, o)

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

    def memory(self, z, s):
        """The new memory, and the gates i, f, g."""
        (phi, _), (zi, zf, zg, _, keep) = ACTIVATIONS[self.activation], z[:5]
        return memory(zi, zf + self.forget_bias, zg, s[1], phi, sigmoid, keep)

    @property
    def feedback(self):
        return self.before_norm if self.layer_norm else None

    def before_norm(self, z, s):
        q, _ = self.memory(z, s)
        return q, z

    def forward(self, z, s):
        (phi, _), (c, gates) = ACTIVATIONS[self.activation], self.memory(z, s)
        if self.layer_norm:
            c = z[5]
        h, o = output(z[3], c, phi, sigmoid)
        return (h, c), (*gates, o)

    def draw(self, shape, dtype, options):
        """What g is multiplied with: 0 or 1 / dropout_keep_prob in training, else 1."""
        if not options.training or self.dropout_keep_prob == 1:
            return {"keep": np.ones((1, 1, 1), dtype)}
        kept = bernoulli(options.random(type(self).__name__), self.dropout_keep_prob, shape)
        return {"keep": kept.astype(dtype) / dtype.type(self.dropout_keep_prob)}

    initial = LayerNormLSTMCell.initial
    variant = "per_gate"
