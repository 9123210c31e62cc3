"""The layer of a simple recurrent network."""

from dataclasses import dataclass

from ..cells import SimpleRNNCell
from .recurrent_units import RecurrentUnits


@dataclass(eq=False)
class SimpleRNN(RecurrentUnits):
    """h' = activation(x kernel + h recurrent_kernel + bias); see `Recurrent`, `RecurrentUnits` and `SimpleRNNCell`."""

    def make_cell(self):
        return SimpleRNNCell(self.units, activation=self.activation, use_bias=self.use_bias)
