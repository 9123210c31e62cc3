"""BasicRNNCell: the simple recurrent network as TensorFlow 1 has it."""

from dataclasses import dataclass
from typing import ClassVar

from .base import glorot_packed
from .simple_rnn import SimpleRNNCell


@dataclass(frozen=True, kw_only=True)
class BasicRNNCell(SimpleRNNCell):
    """`SimpleRNNCell` without its further options, as TensorFlow 1 has it: the matrix that takes [x, h] is glorot
    uniform as a whole."""

    use_bias: ClassVar[bool] = True  # a ClassVar is no option any more
    num_proj: ClassVar[None] = None
    proj_clip: ClassVar[None] = None

    initial = glorot_packed
