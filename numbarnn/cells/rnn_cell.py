"""What `nr.forward` runs: a cell, plain or made of others."""

import numpy as np

from ..errors import Checked
from ..utils.lazy import cached_property
from ..utils.tree import tree_map
from ._tensorflow_names import TakesTensorFlowNames


class RNNCell(Checked, metaclass=TakesTensorFlowNames):
    """The contract of all cells; immutable, and without parameters or states of its own.

    `state_size` holds the width of each state, nested as the states are; `output_size` is that of the output. A cell
    that `takes_integers` has inputs (B, T) of integers instead of (B, T, I), and no gradient for them.

    Constructors take TensorFlow's names of options too, where they mean the same: ``num_units``, functions as
    activations, and ``state_is_tuple`` for a plain cell of several states.
    """

    takes_integers = False

    @property
    def state_size(self):
        raise NotImplementedError

    @property
    def output_size(self):
        raise NotImplementedError

    @cached_property
    def no_gradient(self):
        """None for each state, nested like `state_size`."""
        return tree_map(lambda _: None, self.state_size)

    def param_shapes(self, input_size):
        """Names and shapes of the parameters for inputs of `input_size` features."""
        raise NotImplementedError

    def init_params(self, input_size, rng=0, dtype="float32"):
        """Fresh parameters {name: array}. `rng`: a seed or a NumPy Generator."""
        raise NotImplementedError

    def unroll(self, params, x, state, mask, options):
        """A `CellResult` over x (T, B, I), zeros where masked; `state` nested like `state_size`, None for zeros; `mask`
        (T, B) booleans or None. Everything has been checked."""
        raise NotImplementedError

    def zero_state(self, batch, dtype="float32"):
        """States of zeros, (batch, size) arrays nested like `state_size`."""
        return tree_map(lambda size: np.zeros((batch, size), dtype), self.state_size)

    def step(self, params, x, state=None, **options):
        """One time step: x (B, I) and the state in, the output (B, output_size) and the new state out.

        `options` are those of `forward`.
        """
        from ..rnn.run import step

        return step(self, params, x, state, **options)
