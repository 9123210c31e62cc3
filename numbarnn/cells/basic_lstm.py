"""BasicLSTMCell: the LSTM with TensorFlow 1's defaults."""

from dataclasses import dataclass
from typing import ClassVar

from .base import glorot_packed
from .lstm import LSTMCell


@dataclass(frozen=True, kw_only=True)
class BasicLSTMCell(LSTMCell):
    """`LSTMCell` without its further options, as TensorFlow 1 has it: forget_bias 1.0, and a fresh bias of zero."""

    forget_bias: float = 1.0

    recurrent_activation: ClassVar[str] = "sigmoid"  # a ClassVar is no option any more
    use_bias: ClassVar[bool] = True
    use_peepholes: ClassVar[bool] = False
    cell_clip: ClassVar[None] = None
    clip_gradient: ClassVar[str] = "exact"
    num_proj: ClassVar[None] = None
    proj_clip: ClassVar[None] = None

    initial = glorot_packed
    initial_bias = {}
