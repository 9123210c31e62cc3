"""The layer of gated recurrent units."""

from dataclasses import KW_ONLY, dataclass
from typing import Any

from ..cells import Cell
from ..utils.docs import inherit_parameters
from .keras_cells import KerasGRUCell, KerasResetAfterGRUCell
from .recurrent_units import RecurrentUnits


@inherit_parameters
@dataclass(eq=False, repr=False)
class GRU(RecurrentUnits):
    """Run gated recurrent units over sequences.

    Parameters
    ----------
    recurrent_activation : str or callable, default "sigmoid"
        Activation of the gates, like ``activation``.
    reset_after : bool, default True
        Whether the reset gate acts after the product with the recurrent kernel, as in Keras 3 and PyTorch
        (`ResetAfterGRUCell`), or before it, as in Keras 2 and TensorFlow 1 (`GRUCell`).
    implementation : {1, 2}, default 2
        With 1 every gate has a ``dropout`` mask of its own, with 2 all have the same; nothing else depends on it.

    Notes
    -----
    Input: floats (batch, steps, features). Output: (batch, units), or (batch, steps, units) with ``return_sequences``,
    of the same dtype. State: h (batch, units). Weights, as in Keras in the order of the gates z, r, h: kernel
    (features, 3 units), recurrent_kernel (units, 3 units), bias (3 units,), or with ``reset_after`` (2, 3 units), one
    row for the product of the inputs and one for that of h.

    With a mask (batch, steps) the state stays as it is at masked steps. The output there is that of the step before,
    and before the first valid step the initial h.

    References
    ----------
    Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder for statistical machine translation".
    """

    _: KW_ONLY
    recurrent_activation: Any = "sigmoid"
    reset_after: bool = True
    implementation: int = 2

    def make_cell(self) -> Cell:
        cell = KerasResetAfterGRUCell if self.reset_after else KerasGRUCell
        return cell(
            self.units,
            activation=self.activation,
            recurrent_activation=self.recurrent_activation,
            use_bias=self.use_bias,
        )
