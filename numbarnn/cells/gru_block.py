"""GRUBlockCell: TensorFlow 1's name for the GRU in one fused kernel, which every cell here is."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..initializers import uniform
from .gru import GRUCell


@dataclass(frozen=True, kw_only=True)
class GRUBlockCell(GRUCell):
    """`GRUCell` under the name of TensorFlow 1's fused cell, without options.

    Activations are tanh and sigmoid, the update is "keep". Matrices are fresh Glorot uniform as in TensorFlow 1: one of
    (I + H, 2H) for the gates and one of (I + H, H) for the candidate. Parameters are those of `GRUCell`.

    Parameters
    ----------
    units : int
        Number of units H.
    initializer : str, Initializer or dict, optional
        Initialiser of fresh matrices and peepholes, or one for each parameter; see `Cell`.

    References
    ----------
    TensorFlow 1, ``tf.contrib.rnn.GRUBlockCellV2``.
    """

    activation: ClassVar[str] = "tanh"  # a ClassVar is no option
    recurrent_activation: ClassVar[str] = "sigmoid"
    use_bias: ClassVar[bool] = True
    update: ClassVar[str] = "keep"
    num_proj: ClassVar[None] = None
    proj_clip: ClassVar[None] = None
    preactivation_clip: ClassVar[None] = None

    def initial(self, shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
        """Return initialisers for the matrices (I + H, 2H) of the gates and (I + H, H) of the candidate."""
        rows = shapes["kernel"][0] + self.units
        bounds = [math.sqrt(6 / (rows + columns * self.units)) for columns in (2, 2, 1)]
        bound = np.repeat(bounds, self.units)
        return dict.fromkeys(("kernel", "recurrent_kernel"), uniform(-bound, bound))
