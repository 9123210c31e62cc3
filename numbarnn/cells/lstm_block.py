"""LSTMBlockCell and LSTMBlockFusedCell: TensorFlow 1's names for one fused kernel, which every cell here is."""

from dataclasses import dataclass
from typing import ClassVar

from ..errors import InputError
from .base import glorot_packed
from .lstm import LSTMCell


@dataclass(frozen=True, kw_only=True)
class LSTMBlockCell(LSTMCell):
    """`LSTMCell` under the name of TensorFlow 1's fused cell.

    Activations are tanh and sigmoid. kernel and recurrent_kernel are fresh Glorot uniform as one matrix, the bias zero.
    Parameters are those of `LSTMCell`.

    Parameters
    ----------
    units : int
        Number of units H.
    initializer : str, Initializer or dict, optional
        Initialiser of fresh matrices and peepholes, or one for each parameter; see `Cell`.
    forget_bias : float, default 1.0
        A constant added to the pre-activation of the forget gate in every run.
    cell_clip : float, optional
        Bound of the new memory: it is clipped to [-cell_clip, cell_clip]. All gradients pass, as in TensorFlow 1.
    use_peephole : bool, default False
        Whether the gates see the memory; ``use_peepholes`` of `LSTMCell`.

    References
    ----------
    TensorFlow 1, ``tf.contrib.rnn.LSTMBlockCell``.
    """

    forget_bias: float = 1.0
    cell_clip: float | None = None
    use_peephole: bool = False

    activation: ClassVar[str] = "tanh"  # a ClassVar is no option
    recurrent_activation: ClassVar[str] = "sigmoid"
    use_bias: ClassVar[bool] = True
    use_peepholes: ClassVar[bool] = property(lambda self: self.use_peephole)
    clip_gradient: ClassVar[str] = "straight_through"
    num_proj: ClassVar[None] = None
    proj_clip: ClassVar[None] = None
    output_activation: ClassVar[None] = None
    preactivation_clip: ClassVar[None] = None

    initial = glorot_packed
    initial_bias = {}


class LSTMBlockWrapper:
    """Name the base class of LSTMs that run whole sequences: it wraps nothing, and cannot be made.

    What it does in TensorFlow 1, `forward` does here for every cell: lengths, initial states and final states.

    Raises
    ------
    InputError
        Always.

    References
    ----------
    TensorFlow 1, ``tf.contrib.rnn.LSTMBlockWrapper``.
    """

    def __init__(self):
        raise InputError("LSTMBlockWrapper: this is a base class, and wraps nothing; make an LSTMBlockFusedCell")


@dataclass(frozen=True, kw_only=True)
class LSTMBlockFusedCell(LSTMBlockCell, LSTMBlockWrapper):
    """`LSTMBlockCell` under the name of TensorFlow 1's operation on whole sequences, which `nr.forward` runs anyway.

    Parameters
    ----------
    units : int
        Number of units H.
    initializer : str, Initializer or dict, optional
        Initialiser of fresh matrices and peepholes, or one for each parameter; see `Cell`.
    forget_bias : float, default 1.0
        As in `LSTMBlockCell`.
    cell_clip : float, optional
        As in `LSTMBlockCell`.
    use_peephole : bool, default False
        As in `LSTMBlockCell`.

    References
    ----------
    TensorFlow 1, ``tf.contrib.rnn.LSTMBlockFusedCell``.
    """
