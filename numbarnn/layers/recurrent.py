"""Recurrent layers: a cell over whole sequences."""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from .. import initializers
from ..cells import GRUCell, LSTMCell, ResetAfterGRUCell, SimpleRNNCell
from ..errors import InputError
from ..sequence import forward
from .base import Layer


@dataclass(eq=False)
class Recurrent(Layer):
    """Runs a cell over x (batch, steps, features); subclasses define `make_cell`.

    The output is the last one (batch, units), or with ``return_sequences`` all of them (batch, steps, units). With
    ``return_state`` it is the list of the output and the final states, h first. ``go_backwards`` reads the sequence
    from its end, and the outputs stay in that order. ``stateful``: row i of a batch goes on from the state of row i in
    the batch before, a constant for the gradient, until `reset_states`. Parameters are the cell's, gates in its order.
    """

    units: int
    activation: str | None = "tanh"
    _: KW_ONLY
    use_bias: bool = True
    kernel_initializer: object = "glorot_uniform"
    recurrent_initializer: object = "orthogonal"
    bias_initializer: object = "zeros"
    return_sequences: bool = False
    return_state: bool = False
    go_backwards: bool = False
    stateful: bool = False

    def __post_init__(self):
        super().__post_init__()
        self.activation = self.activation or "linear"
        self.initializers = {
            "kernel": initializers.get(self.kernel_initializer),
            "recurrent_kernel": initializers.get(self.recurrent_initializer),
            "bias": initializers.get(self.bias_initializer),
        }
        self.cell = self.make_cell()
        self.state = None

    def make_cell(self):
        raise NotImplementedError

    def compute_output_shape(self, input_shape):
        if len(input_shape) != 3 or not input_shape[2]:
            raise InputError(
                f"{self.name}: expected inputs of shape (batch, steps, features), got {input_shape}; "
                "a recurrent layer in front of another one needs return_sequences=True"
            )
        batch, steps, _ = input_shape
        return (batch, steps, self.units) if self.return_sequences else (batch, self.units)

    def init_params(self, input_shape, rng, dtype):
        shapes = self.cell.param_shapes(input_shape[2])
        return {name: self.initializers[name](shape, rng, dtype) for name, shape in shapes.items()}

    def forward(self, x, training=False, rng=None):
        run = forward(
            self.cell,
            self.params,
            x,
            initial_state=self._initial_state(len(x)),
            reverse=self.go_backwards,
            device=self.device,
            save="all" if training else "minimal",
        )
        if self.stateful:
            self.state = tuple(s.copy() for s in run.state)
        output = self._in_reading_order(run.outputs) if self.return_sequences else run.state[0]
        return ([output, *run.state] if self.return_state else output), run

    def backward(self, saved, d_output):
        """``d_output`` is like the output; with ``return_state`` None may stand for a list item without gradient."""
        d_output, *d_state = d_output if self.return_state else (d_output, *[None] * len(self.cell.states))
        d_outputs = None
        if self.return_sequences:
            d_outputs = None if d_output is None else self._in_reading_order(d_output)
        elif d_output is not None:
            d_state[0] = d_output if d_state[0] is None else d_state[0] + d_output
        grads = saved.backward(d_outputs, d_state)
        return grads.inputs, grads.params

    def reset_states(self, states=None, rows=None):
        """Forget the state of all rows, or of ``rows`` (booleans or indices), or set it to ``states``.

        ``states`` are arrays (batch, units), h first.
        """
        if states is None and rows is None:
            self.state = None
        elif rows is None:
            self._expect(self.built, "a built layer to set the states of", "one without parameters")
            states = (states,) if isinstance(states, np.ndarray) else states
            self.state = tuple(np.array(s, self.dtype) for s in states)
        elif states is not None:
            raise InputError(f"{self.name}: reset_states expects states or rows, got both")
        elif self.state is not None:
            for s in self.state:
                s[rows] = 0

    def _initial_state(self, batch):
        if self.state is not None:
            got = tuple(s.shape for s in self.state)
            self._expect(
                got == ((batch, self.units),) * len(self.cell.states),
                f"a batch that goes on from states of shapes {got} (reset_states() starts anew)",
                f"{batch} rows",
            )
        return self.state

    def _in_reading_order(self, outputs):
        """Between the order of x and the order in which the steps were read; its own inverse."""
        return outputs[:, ::-1] if self.go_backwards else outputs


class SimpleRNN(Recurrent):
    """h' = activation(x kernel + h recurrent_kernel + bias); see `Recurrent` and `SimpleRNNCell`."""

    def make_cell(self):
        return SimpleRNNCell(self.units, activation=self.activation, use_bias=self.use_bias)


@dataclass(eq=False)
class LSTM(Recurrent):
    """Long short-term memory; see `Recurrent` and `LSTMCell`.

    With ``unit_forget_bias`` the bias of the forget gate starts at 1.
    """

    _: KW_ONLY
    recurrent_activation: str | None = "sigmoid"
    unit_forget_bias: bool = True

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
            params["bias"].reshape(-1, self.units)[list(self.cell.inputs).index("f")] = 1
        return params


@dataclass(eq=False)
class GRU(Recurrent):
    """Gated recurrent unit; see `Recurrent`.

    ``reset_after`` chooses the cell: `ResetAfterGRUCell` (Keras 3, PyTorch) or `GRUCell` (Keras 2, TensorFlow 1).
    """

    _: KW_ONLY
    recurrent_activation: str | None = "sigmoid"
    reset_after: bool = True

    def make_cell(self):
        cell = ResetAfterGRUCell if self.reset_after else GRUCell
        return cell(
            self.units,
            activation=self.activation,
            recurrent_activation=self.recurrent_activation or "linear",
            use_bias=self.use_bias,
        )
