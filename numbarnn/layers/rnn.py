"""Any cell as a layer."""

from dataclasses import dataclass
from typing import Any

from ..cells.rnn_cell import RNNCell
from ..wrappers import MultiRNNCell
from .recurrent import Recurrent


@dataclass(eq=False)
class RNN(Recurrent):
    """Runs ``cell``, any cell of `nr`, plain or composite, or a list of cells as a stack; see `Recurrent`.

    Parameters are the cell's, fresh ones those of its `init_params`. A cell that takes integers gets (batch, steps) of
    them. With ``return_state`` the states of a stack follow the output cell by cell. At masked steps the output of the
    step before is repeated; ahead of the first valid step that is the initial h, where the cell's output is a state of
    it or of its last cell, and zero otherwise.
    """

    cell: Any

    def __post_init__(self):
        super().__post_init__()
        if isinstance(self.cell, list | tuple):
            self.cell = MultiRNNCell(self.cell)
        self._expect(isinstance(self.cell, RNNCell), "a cell such as LSTMCell(units)", repr(self.cell))

    @property
    def takes_integers(self):
        return self.cell.takes_integers

    def compute_output_shape(self, input_shape):
        return super().compute_output_shape((*input_shape, 1) if self.takes_integers else input_shape)

    def init_params(self, input_shape, rng, dtype):
        return self.cell.init_params(None if self.takes_integers else input_shape[2], rng, dtype)
