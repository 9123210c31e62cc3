"""The layer of gated recurrent units."""

from dataclasses import KW_ONLY, dataclass

from ..cells import GRUCell, ResetAfterGRUCell
from .recurrent_units import RecurrentUnits


@dataclass(eq=False)
class GRU(RecurrentUnits):
    """Gated recurrent unit; see `Recurrent` and `RecurrentUnits`.

    ``reset_after`` chooses the cell: `ResetAfterGRUCell` (Keras 3, PyTorch) or `GRUCell` (Keras 2, TensorFlow 1).
    ``implementation`` 1 gives every gate a ``dropout`` mask of its own, 2 one mask to all; nothing else depends on it.
    """

    _: KW_ONLY
    recurrent_activation: str | None = "sigmoid"
    reset_after: bool = True
    implementation: int = 2

    def make_cell(self):
        cell = ResetAfterGRUCell if self.reset_after else GRUCell
        return cell(
            self.units,
            activation=self.activation,
            recurrent_activation=self.recurrent_activation or "linear",
            use_bias=self.use_bias,
        )
