"""The layer of a long short-term memory."""

from dataclasses import KW_ONLY, dataclass
from typing import Any

from ..cells import Cell, LSTMCell
from ..utils.docs import inherit_parameters
from .keras_cells import UnitForgetBias
from .recurrent_units import RecurrentUnits


@inherit_parameters
@dataclass(eq=False, repr=False)
class LSTM(RecurrentUnits):
    """Run a long short-term memory over sequences.

    Parameters
    ----------
    recurrent_activation : str or callable, default "sigmoid"
        Activation of the gates, like ``activation``.
    unit_forget_bias : bool, default True
        Whether the bias of the forget gate starts at 1.
    implementation : {1, 2}, default 2
        With 1 every gate has a ``dropout`` mask of its own, with 2 all have the same; nothing else depends on it.

    Notes
    -----
    Input: floats (batch, steps, features). Output: (batch, units), or (batch, steps, units) with ``return_sequences``,
    of the same dtype. States: h and c, each (batch, units). Weights, in the order of the gates i, f, g, o: kernel
    (features, 4 units), recurrent_kernel (units, 4 units), bias (4 units,).

    With a mask (batch, steps) the states stay as they are at masked steps. The output there is that of the step before,
    and before the first valid step the initial h. The equations are those of `LSTMCell`.

    References
    ----------
    Hochreiter, Schmidhuber (1997), "Long short-term memory"; Gers, Schmidhuber, Cummins (2000), "Learning to forget".
    """

    _: KW_ONLY
    recurrent_activation: Any = "sigmoid"
    unit_forget_bias: bool = True
    implementation: int = 2

    def __post_init__(self):
        super().__post_init__()
        if self.unit_forget_bias:
            self.initializers["bias"] = UnitForgetBias(self.initializers["bias"])

    def make_cell(self) -> Cell:
        return LSTMCell(
            self.units,
            activation=self.activation,
            recurrent_activation=self.recurrent_activation,
            use_bias=self.use_bias,
        )
