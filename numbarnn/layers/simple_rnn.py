"""The layer of a simple recurrent network."""

from dataclasses import dataclass

from ..cells import Cell, SimpleRNNCell
from ..utils.docs import inherit_parameters
from .recurrent_units import RecurrentUnits


@inherit_parameters
@dataclass(eq=False, repr=False)
class SimpleRNN(RecurrentUnits):
    """Run a simple recurrent network over sequences: h' = activation(x kernel + h recurrent_kernel + bias).

    Notes
    -----
    Input: floats (batch, steps, features). Output: (batch, units), or (batch, steps, units) with ``return_sequences``,
    of the same dtype. State: h (batch, units). Weights: kernel (features, units), recurrent_kernel (units, units),
    bias (units,).

    With a mask (batch, steps) the state stays as it is at masked steps. The output there is that of the step before,
    and before the first valid step the initial h. The cell is `SimpleRNNCell`.

    References
    ----------
    Elman (1990), "Finding structure in time".
    """

    def make_cell(self) -> Cell:
        return SimpleRNNCell(self.units, activation=self.activation, use_bias=self.use_bias)
