"""The layer of gated recurrent units."""

from dataclasses import KW_ONLY, dataclass

from ..cells import Cell, GRUCell, ResetAfterGRUCell
from ..utils.docs import inherit_parameters
from .recurrent_units import RecurrentUnits


@inherit_parameters
@dataclass(eq=False, repr=False)
class GRU(RecurrentUnits):
    """Run gated recurrent units over sequences.

    Parameters
    ----------
    recurrent_activation : str, default "sigmoid"
        Name of the activation of the gates; None means "linear".
    reset_after : bool, default True
        Whether the reset gate acts after the product with the recurrent kernel, as in Keras 3 and PyTorch
        (`ResetAfterGRUCell`), or before it, as in Keras 2 and TensorFlow 1 (`GRUCell`).
    implementation : {1, 2}, default 2
        With 1 every gate has a ``dropout`` mask of its own, with 2 all have the same; nothing else depends on it.

    Notes
    -----
    Input: floats (batch, steps, features). Output: (batch, units), or (batch, steps, units) with ``return_sequences``,
    of the same dtype. State: h (batch, units). Weights, in the order of the gates r, z, n: kernel (features, 3 units),
    recurrent_kernel (units, 3 units), bias (3 units,), or (4 units,) with ``reset_after``: then the recurrent part of n
    has a bias of its own.

    With a mask (batch, steps) the state stays as it is at masked steps. The output there is that of the step before,
    and before the first valid step the initial h.

    References
    ----------
    Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder for statistical machine translation".
    """

    _: KW_ONLY
    recurrent_activation: str | None = "sigmoid"
    reset_after: bool = True
    implementation: int = 2

    def make_cell(self) -> Cell:
        cell = ResetAfterGRUCell if self.reset_after else GRUCell
        return cell(
            self.units,
            activation=self.activation or "linear",
            recurrent_activation=self.recurrent_activation or "linear",
            use_bias=self.use_bias,
        )
