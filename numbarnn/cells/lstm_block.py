"""LSTMBlockCell and LSTMBlockFusedCell: TensorFlow 1's names for one fused kernel, which every cell here is."""

from dataclasses import dataclass
from typing import ClassVar

from .base import glorot_packed
from .lstm import LSTMCell


@dataclass(frozen=True, kw_only=True)
class LSTMBlockCell(LSTMCell):
    """`LSTMCell` with tanh and sigmoid, forget_bias 1.0, and a `cell_clip` that lets all gradients through, as
    TensorFlow 1 has it. `use_peephole` is `LSTMCell`'s `use_peepholes`; a fresh bias is zero."""

    forget_bias: float = 1.0
    cell_clip: float | None = None
    use_peephole: bool = False

    activation: ClassVar[str] = "tanh"  # a ClassVar is no option any more
    recurrent_activation: ClassVar[str] = "sigmoid"
    use_bias: ClassVar[bool] = True
    use_peepholes: ClassVar[bool] = property(lambda self: self.use_peephole)
    clip_gradient: ClassVar[str] = "straight_through"
    num_proj: ClassVar[None] = None
    proj_clip: ClassVar[None] = None

    initial = glorot_packed
    initial_bias = {}


@dataclass(frozen=True, kw_only=True)
class LSTMBlockFusedCell(LSTMBlockCell):
    """`LSTMBlockCell` under the name of TensorFlow 1's operation on whole sequences; `forward` runs those anyway."""
