"""Any cell as a layer."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..cells.rnn_cell import RNNCell
from ..utils.docs import inherit_parameters
from ..utils.types import Shape
from ..wrappers import MultiRNNCell
from .recurrent import Recurrent


@inherit_parameters
@dataclass(eq=False, repr=False)
class RNN(Recurrent):
    """Run any cell over sequences.

    Parameters
    ----------
    cell : RNNCell or list of RNNCell
        A cell of `nr`, plain or composite; a list of cells is a stack.

    Notes
    -----
    Input: floats (batch, steps, features); integers (batch, steps) for a cell that takes them. Output: (batch, units),
    or (batch, steps, units) with ``return_sequences``; ``units`` is the output size of the cell. States: each
    (batch, size); with ``return_state`` those of a stack follow the output cell by cell. Weights are the parameters of
    the cell, from its `init_params`.

    With a mask (batch, steps) the states stay as they are at masked steps. The output there is that of the step before.
    Before the first valid step it is the initial h if the cell's output is one of its states, or one of its last
    cell's, and zero otherwise.
    """

    cell: Any

    def __post_init__(self):
        super().__post_init__()
        if isinstance(self.cell, list | tuple):
            self.cell = MultiRNNCell(self.cell)
        own = hasattr(self.cell, "call") and hasattr(self.cell, "state_size")  # a cell of Keras
        expected = "a subclass of nr.Cell, whose forward(z, s) takes" if own else "a cell such as LSTMCell(units)"
        expected += " the place of call(x, states)" if own else ""
        self._expect(isinstance(self.cell, RNNCell), expected, repr(self.cell))

    @property
    def takes_integers(self) -> bool:
        """Whether the inputs are integers."""
        return self.cell.takes_integers

    def compute_output_shape(self, input_shape: Shape) -> Any:
        return super().compute_output_shape((*input_shape, 1) if self.takes_integers else input_shape)

    def init_params(self, input_shape: Shape, rng: np.random.Generator, dtype: "DTypeLike") -> dict[str, np.ndarray]:
        return self.cell.init_params(None if self.takes_integers else input_shape[2], rng, dtype)
