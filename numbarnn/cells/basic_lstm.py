"""BasicLSTMCell: the LSTM with TensorFlow 1's defaults."""

from dataclasses import dataclass
from typing import ClassVar

from .base import glorot_packed
from .lstm import LSTMCell


@dataclass(frozen=True, kw_only=True)
class BasicLSTMCell(LSTMCell):
    """`LSTMCell` with TensorFlow 1's defaults and without its further options.

    kernel and recurrent_kernel are fresh Glorot uniform as one matrix, the bias zero. The parameters are those of
    `LSTMCell`.

    Parameters
    ----------
    units : int
        Number of units H.
    initializer : str, Initializer or dict, optional
        Initialiser of fresh matrices and peepholes, or one for each parameter; see `Cell`.
    activation : str or Activation, default "tanh"
        Activation of the candidate and of the new memory, as in `LSTMCell`.
    forget_bias : float, default 1.0
        A constant added to the pre-activation of the forget gate in every run.

    References
    ----------
    TensorFlow 1, ``tf.nn.rnn_cell.BasicLSTMCell``.
    """

    forget_bias: float = 1.0

    recurrent_activation: ClassVar[str] = "sigmoid"  # a ClassVar is no option
    use_bias: ClassVar[bool] = True
    use_peepholes: ClassVar[bool] = False
    cell_clip: ClassVar[None] = None
    clip_gradient: ClassVar[str] = "exact"
    num_proj: ClassVar[None] = None
    proj_clip: ClassVar[None] = None
    output_activation: ClassVar[None] = None
    preactivation_clip: ClassVar[None] = None

    initial = glorot_packed
    initial_bias = {}
