"""BasicRNNCell: the simple recurrent network as TensorFlow 1 has it."""

from dataclasses import dataclass
from typing import ClassVar

from .base import glorot_packed
from .simple_rnn import SimpleRNNCell


@dataclass(frozen=True, kw_only=True)
class BasicRNNCell(SimpleRNNCell):
    """`SimpleRNNCell` under TensorFlow 1's name, without its further options.

    kernel and recurrent_kernel are fresh Glorot uniform as one matrix, the bias zero. The parameters are those of
    `SimpleRNNCell`.

    Parameters
    ----------
    units : int
        Number of units H.
    initializer : str, Initializer or dict, optional
        Initialiser of fresh matrices and peepholes, or one for each parameter; see `Cell`.
    activation : str or Activation, default "tanh"
        Activation of the output, as in `SimpleRNNCell`.

    References
    ----------
    TensorFlow 1, ``tf.nn.rnn_cell.BasicRNNCell``.
    """

    use_bias: ClassVar[bool] = True  # a ClassVar is no option
    num_proj: ClassVar[None] = None
    proj_clip: ClassVar[None] = None
    preactivation_clip: ClassVar[None] = None

    initial = glorot_packed
