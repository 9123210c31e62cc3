"""The layer of a long short-term memory."""

from dataclasses import KW_ONLY, dataclass

from ..cells import LSTMCell
from .recurrent_units import RecurrentUnits


@dataclass(eq=False)
class LSTM(RecurrentUnits):
    """Long short-term memory; see `Recurrent`, `RecurrentUnits` and `LSTMCell`.

    With ``unit_forget_bias`` the bias of the forget gate starts at 1. ``implementation`` 1 gives every gate a
    ``dropout`` mask of its own, 2 one mask to all; nothing else depends on it.
    """

    _: KW_ONLY
    recurrent_activation: str | None = "sigmoid"
    unit_forget_bias: bool = True
    implementation: int = 2

    def make_cell(self):
        return LSTMCell(
            self.units,
            activation=self.activation,
            recurrent_activation=self.recurrent_activation or "linear",
            use_bias=self.use_bias,
        )

    def init_params(self, input_shape, rng, dtype):
        params = super().init_params(input_shape, rng, dtype)
        if self.use_bias and self.unit_forget_bias:
            i_f_g_o = params["bias"].reshape(4, self.units)
            i_f_g_o[1] = 1
        return params
