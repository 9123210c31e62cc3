"""LSTMs with layer norm (Ba, Kiros, Hinton 2016), in the three forms that libraries have.

"per_gate" (TensorFlow 1): z = norm(x W + h R) for each gate alone; the normalised c is the state.
"joint" (the paper): z = norm(x W) + norm(h R), each over all gates; c stays as it is, h' = o phi(norm(c')).
"stored" (TensorFlow Addons): z as in "joint", the normalised c is the state.

i = sigma(z_i + p_i c)   f = sigma(z_f + forget_bias + p_f c)   g = phi(z_g)
q = f c + i g            n = clip(norm(q))
o = sigma(z_o + p_o n)   h' = o phi(n)      c' = n, or q ("joint")
"""

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from ..activations import Activation, function_of
from ..engines.interface import RunOptions
from ..errors import InputError
from ..maths import sigmoid
from ..ops.random import bernoulli
from ._clip import clipped
from ._layer_norm import EPSILON, check_used, initial_norm
from ._lstm import GATES, PEEPHOLES, memory, output
from .base import Cell, glorot_packed


@dataclass(frozen=True)
class LayerNormLSTMCell(Cell):
    """LSTM with layer norm of its gates and of its new memory.

    kernel and recurrent_kernel of the variant "per_gate" are fresh Glorot uniform as one matrix.

    Parameters
    ----------
    units : int
        Number of units H.
    initializer : str, Initializer or dict, optional
        Initialiser of fresh matrices and peepholes, or one for each parameter; see `Cell`.
    variant : {"per_gate", "joint", "stored"}, default "per_gate"
        "per_gate": the norm of each gate's sum of products; the normalised memory is the state (TensorFlow 1).
        "joint": one norm of all input parts and one of all recurrent parts; the memory is stored as it is, and its norm
        goes to the output alone (the paper). "stored": the norms of "joint", but the normalised memory is the state
        (TensorFlow Addons).
    activation : str or Activation, default "tanh"
        Activation phi of the candidate g and of the new memory, one of `numbarnn.activations`.
    forget_bias : float, default 1.0
        A constant added to the forget gate's pre-activation after its norm, in every run.
    use_peepholes : bool, default False
        Whether the gates see the memory: i and f the old one, o the new one. Only for "per_gate".
    cell_clip : float, optional
        Bound of the normalised memory; its gradient is zero outside. Only for "per_gate".
    num_proj : int, optional
        Width P of the output: h is projected by projection_kernel and then put out and fed back.
    proj_clip : float, optional
        Bound of the projected output: it is clipped to [-proj_clip, proj_clip].
    epsilon : float, optional
        A constant added to variances. The default is that of the variant's library: 1e-12 for "per_gate", 1e-5 for
        "joint", 1e-3 for "stored".
    norm_gain : float, default 1.0
        Values of a fresh norm_scale.
    norm_shift : float, default 0.0
        Values of a fresh norm_shift.

    Raises
    ------
    InputError
        For peepholes or ``cell_clip`` with another variant than "per_gate".

    Notes
    -----
    ======================  =======  =======================================================
    parameter               shape    content
    ======================  =======  =======================================================
    kernel                  (I, 4H)  blocks i, f, g, o; there is no bias
    recurrent_kernel        (H, 4H)  blocks i, f, g, o
    peephole                (3, H)   of i, f, o; with ``use_peepholes``
    norm_scale, norm_shift  (5, H)   of i, f, g, o and the memory
                            (9, H)   "joint", "stored": input parts, recurrent parts, memory
    projection_kernel       (H, P)   with ``num_proj``; recurrent_kernel is then (P, 4H)
    ======================  =======  =======================================================

    The states are h, the output, and c, the memory.

    References
    ----------
    Ba, Kiros, Hinton 2016, "Layer normalization".
    """

    _: KW_ONLY
    variant: str = "per_gate"
    activation: str | Activation = "tanh"
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
    def inputs(self) -> dict[str, str]:
        if self.variant == "per_gate":
            peepholes = dict.fromkeys(PEEPHOLES, "") if self.use_peepholes else {}
            return dict.fromkeys(GATES, "xh") | peepholes | {"c": "="}
        raw = {"q": "="} if self.variant == "joint" else {}
        return {f"{source}{gate}": source for source in "xh" for gate in GATES} | {"c": "="} | raw

    @property
    def norms(self) -> tuple[tuple[str, ...], ...]:
        if self.variant == "per_gate":
            return (*((gate,) for gate in GATES), ("c",))
        return self.fed_by("x"), self.fed_by("h"), ("c",)

    @property
    def norm_epsilon(self) -> float:
        return EPSILON[self.variant] if self.epsilon is None else self.epsilon

    @property
    def vectors(self) -> dict[str, tuple[str, ...]]:
        return {"peephole": PEEPHOLES} if self.use_peepholes else {}

    def _named(self, z):
        """Return {name: pre-activation} of all that are known; those of the gates are sums."""
        z = dict(zip(self.inputs, z, strict=False))
        return z if self.variant == "per_gate" else z | {gate: z[f"x{gate}"] + z[f"h{gate}"] for gate in GATES}

    def _memory(self, z, s):
        """Return the new memory before its norm, and the gates i, f, g."""
        phi, z, c = function_of(self.activation), self._named(z), s[1]
        z_i, z_f = z["i"] + z.get("pi", 0) * c, z["f"] + self.forget_bias + z.get("pf", 0) * c
        return memory(z_i, z_f, z["g"], c, phi, sigmoid)

    def feedback(self, z: tuple, s: tuple) -> tuple[Any, tuple]:
        q, _ = self._memory(z, s)
        return q, z

    def forward(self, z: tuple, s: tuple) -> tuple[tuple, tuple]:
        phi, (_, gates), z = function_of(self.activation), self._memory(z, s), self._named(z)
        n = clipped(z["c"], self.cell_clip)
        h, o = output(z["o"] + z.get("po", 0) * n, n, phi, sigmoid)
        return (h, z.get("q", n)), (*gates, o)

    def initial(self, shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
        packed = glorot_packed(self, shapes) if self.variant == "per_gate" else {}
        return packed | initial_norm(self)


@dataclass(frozen=True)
class LayerNormBasicLSTMCell(Cell):
    """`LayerNormLSTMCell` of the variant "per_gate" with dropout of the candidate g.

    The memory itself is never dropped. In training `nr.forward` needs ``rng``, a seed.

    Parameters
    ----------
    units : int
        Number of units H.
    initializer : str, Initializer or dict, optional
        Initialiser of fresh matrices and peepholes, or one for each parameter; see `Cell`.
    forget_bias : float, default 1.0
        A constant added to the forget gate's pre-activation after its norm, in every run.
    activation : str or Activation, default "tanh"
        Activation phi of the candidate g and of the new memory, one of `numbarnn.activations`.
    layer_norm : bool, default True
        Whether there is layer norm; without it there is a bias.
    norm_gain : float, default 1.0
        Values of a fresh norm_scale.
    norm_shift : float, default 0.0
        Values of a fresh norm_shift.
    dropout_keep_prob : float, default 1.0
        Probability that a number of g is kept in training, drawn for each step, row and unit. What is kept is divided
        by it.

    Notes
    -----
    ======================  =======  =================================================
    parameter               shape    content
    ======================  =======  =================================================
    kernel                  (I, 4H)  blocks i, f, g, o
    recurrent_kernel        (H, 4H)  blocks i, f, g, o
    norm_scale, norm_shift  (5, H)   of i, f, g, o and the memory; with ``layer_norm``
    bias                    (4H,)    blocks i, f, g, o; without ``layer_norm``
    ======================  =======  =================================================

    The states are h, the output, and c, the memory.

    References
    ----------
    Semeniuta, Severyn, Barth 2016, "Recurrent dropout without memory loss".
    TensorFlow 1, ``tf.contrib.rnn.LayerNormBasicLSTMCell``.
    """

    _: KW_ONLY
    forget_bias: float = 1.0
    activation: str | Activation = "tanh"
    layer_norm: bool = True
    norm_gain: float = 1.0
    norm_shift: float = 0.0
    dropout_keep_prob: float = 1.0

    states = ("h", "c")
    saved = GATES
    norm_epsilon = EPSILON["per_gate"]

    def __post_init__(self):
        super().__post_init__()
        check_used(self)
        self.check_positive("dropout_keep_prob", "number")
        if self.dropout_keep_prob > 1:
            raise InputError(
                f"{type(self).__name__}: expected dropout_keep_prob of at most 1, got {self.dropout_keep_prob}"
            )

    @property
    def inputs(self) -> dict[str, str]:
        return dict.fromkeys(GATES, "xh") | {"keep": "m"} | ({"c": "="} if self.layer_norm else {})

    @property
    def norms(self) -> tuple[tuple[str, ...], ...]:
        return (*((gate,) for gate in GATES), ("c",)) if self.layer_norm else ()

    @property
    def vectors(self) -> dict[str, tuple[str, ...]]:
        return {} if self.layer_norm else super().vectors

    def _memory(self, z, s):
        """Return the new memory before its norm, and the gates i, f, g."""
        phi, (zi, zf, zg, _, keep) = function_of(self.activation), z[:5]
        return memory(zi, zf + self.forget_bias, zg, s[1], phi, sigmoid, keep)

    @property
    def feedback(self) -> Any:
        return self._before_norm if self.layer_norm else None

    def _before_norm(self, z, s):
        q, _ = self._memory(z, s)
        return q, z

    def forward(self, z: tuple, s: tuple) -> tuple[tuple, tuple]:
        phi, (c, gates) = function_of(self.activation), self._memory(z, s)
        if self.layer_norm:
            c = z[5]
        h, o = output(z[3], c, phi, sigmoid)
        return (h, c), (*gates, o)

    def draw(self, shape: tuple[int, int, int], dtype: np.dtype, options: RunOptions) -> dict[str, np.ndarray]:
        """Make what multiplies g: 0 or 1 / dropout_keep_prob in training, else 1."""
        if not options.training or self.dropout_keep_prob == 1:
            return {"keep": np.ones((1, 1, 1), dtype)}
        kept = bernoulli(options.random(type(self).__name__), self.dropout_keep_prob, shape)
        return {"keep": kept.astype(dtype) / dtype.type(self.dropout_keep_prob)}

    initial = LayerNormLSTMCell.initial
    variant = "per_gate"
