"""LSTM with coupled input and forget gates (Greff et al. 2017): what is forgotten makes room for what comes in.

f = sigma(z_f + p_f c)   g = phi(z_g)      each z = x W + h R + b
c' = clip(f c + (1 - f) g)
o = sigma(z_o + p_o c')
h' = o phi(c')

With layer norm (Ba, Kiros, Hinton 2016) there is no b. Each z is normalised before the peepholes and the forget bias
are added, and the new c before the clip.
"""

from dataclasses import KW_ONLY, dataclass
from typing import Any

from ..activations import Activation, function_of
from ._clip import clipped
from ._layer_norm import EPSILON, check_used, initial_norm
from ._lstm import output
from .base import Cell, glorot_packed

PEEPHOLES = ("pf", "po")


@dataclass(frozen=True)
class CoupledInputForgetGateLSTMCell(Cell):
    """LSTM whose input gate is 1 - f: new content takes the place of what is forgotten.

    kernel and recurrent_kernel are fresh Glorot uniform as one matrix, the bias zero.

    Parameters
    ----------
    units : int
        Number of units H.
    initializer : str, Initializer or dict, optional
        Initialiser of fresh matrices and peepholes, or one for each parameter; see `Cell`.
    use_peepholes : bool, default False
        Whether the gates see the memory: f the old one, o the new one.
    cell_clip : float, optional
        Bound of the new memory: it is clipped to [-cell_clip, cell_clip], and its gradient is zero outside.
    num_proj : int, optional
        Width P of the output: h is projected by projection_kernel and then put out and fed back.
    proj_clip : float, optional
        Bound of the projected output: it is clipped to [-proj_clip, proj_clip].
    forget_bias : float, default 1.0
        A constant added to the pre-activation of the forget gate in every run.
    activation : str or Activation, default "tanh"
        Activation phi of the candidate g and of the new memory c, one of `numbarnn.activations`.
    recurrent_activation : str or Activation, default "sigmoid"
        Activation sigma of the gates f and o, likewise.
    output_activation : str or Activation, optional
        Activation of the new memory c where it is put out, likewise; by default that of the candidate.
    preactivation_clip : float, optional
        Bound of what the gates and the candidate are computed from, peepholes among it: ONNX' ``clip``. The gradient is
        zero outside.
    layer_norm : bool, default False
        Whether each gate's sum of products and the new memory are normalised; 1e-12 is added to variances. The forget
        bias and the peepholes come after the norm, and so does the clip.
    norm_gain : float, default 1.0
        Values of a fresh norm_scale.
    norm_shift : float, default 0.0
        Values of a fresh norm_shift.

    Notes
    -----
    ======================  =======  ===================================================
    parameter               shape    content
    ======================  =======  ===================================================
    kernel                  (I, 3H)  blocks f, g, o
    recurrent_kernel        (H, 3H)  blocks f, g, o
    bias                    (3H,)    blocks f, g, o; without ``layer_norm``
    norm_scale, norm_shift  (4, H)   of f, g, o and the memory; with ``layer_norm``
    peephole                (2, H)   of f, o; with ``use_peepholes``
    projection_kernel       (H, P)   with ``num_proj``; recurrent_kernel is then (P, 3H)
    ======================  =======  ===================================================

    The states are h, the output, and c, the memory.

    References
    ----------
    Greff et al. 2017, "LSTM: a search space odyssey".
    Ba, Kiros, Hinton 2016, "Layer normalization".
    TensorFlow 1, ``tf.contrib.rnn.CoupledInputForgetGateLSTMCell``.
    """

    _: KW_ONLY
    use_peepholes: bool = False
    cell_clip: float | None = None
    num_proj: int | None = None
    proj_clip: float | None = None
    forget_bias: float = 1.0
    activation: str | Activation = "tanh"
    recurrent_activation: str | Activation = "sigmoid"
    output_activation: str | Activation | None = None
    preactivation_clip: float | None = None
    layer_norm: bool = False
    norm_gain: float = 1.0
    norm_shift: float = 0.0

    states = ("h", "c")
    saved = ("f", "g", "o")
    norm_epsilon = EPSILON["per_gate"]

    def __post_init__(self):
        super().__post_init__()
        check_used(self)

    @property
    def inputs(self) -> dict[str, str]:
        peepholes = dict.fromkeys(PEEPHOLES, "") if self.use_peepholes else {}
        return dict.fromkeys(self.saved, "xh") | peepholes | ({"c": "="} if self.layer_norm else {})

    @property
    def norms(self) -> tuple[tuple[str, ...], ...]:
        return (*((gate,) for gate in self.saved), ("c",)) if self.layer_norm else ()

    @property
    def vectors(self) -> dict[str, tuple[str, ...]]:
        bias = {} if self.layer_norm else super().vectors
        return bias | ({"peephole": PEEPHOLES} if self.use_peepholes else {})

    def initial(self, shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
        norm = initial_norm(self) if self.layer_norm else {}
        return glorot_packed(self, shapes) | norm

    def _memory(self, z, s):
        """Return the new memory before its norm and its clip, and the gates f and g."""
        phi, sigma = function_of(self.activation), function_of(self.recurrent_activation)
        z, c = dict(zip(self.inputs, z, strict=False)), s[1]
        shift = self.forget_bias if self.layer_norm else 0  # after the norm; without one `offsets` has it
        zf, zg = (clipped(v, self.preactivation_clip) for v in (z["f"] + shift + z.get("pf", 0) * c, z["g"]))
        f, g = sigma(zf), phi(zg)
        return g + f * (c - g), (f, g)

    @property
    def feedback(self) -> Any:
        return self._before_norm if self.layer_norm else None

    def _before_norm(self, z, s):
        q, _ = self._memory(z, s)
        return q, z

    def forward(self, z: tuple, s: tuple) -> tuple[tuple, tuple]:
        phi, sigma = function_of(self.output_activation or self.activation), function_of(self.recurrent_activation)
        c, gates = self._memory(z, s)
        z = dict(zip(self.inputs, z, strict=True))
        c = clipped(z.get("c", c), self.cell_clip)
        h, o = output(clipped(z["o"] + z.get("po", 0) * c, self.preactivation_clip), c, phi, sigma)
        return (h, c), (*gates, o)

    @property
    def offsets(self) -> dict[str, float]:
        return {} if self.layer_norm else {"f": self.forget_bias}
