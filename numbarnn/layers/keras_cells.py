"""Keras' cells, for `RNN`: cells of `nr` with Keras' options, and with a GRU's weights in Keras' order."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import cells, initializers
from ..cells import Cell
from ..cells.base import USUAL
from ..cells.rnn_cell import RNNCell
from ..initializers import Initializer
from ..utils.types import Arrays, Seed
from ..wrappers import DropoutWrapper, RecurrentDropoutWrapper

GATED = "kernel", "recurrent_kernel", "bias"  # the parameters that have blocks of gates


class KerasOrder:
    """Lay a GRU's weights out as Keras; a mixin in front of the class of a cell with the gates r, z, n.

    The gates are in the order z, r, h. A bias with the reset gate after the product is (2, 3 units), one row for the
    product of the inputs and one for that of h.
    """

    units: int
    use_bias: bool
    initializer: Any
    inputs: Any

    @property
    def has_two_biases(self) -> bool:
        """Whether the bias has two rows."""
        return self.use_bias and "m" in self.inputs

    @property
    def canonical(self) -> Cell:
        """The same cell of `nr`, whose weights are in its order."""
        cell: Any = self
        return type(cell).__bases__[-1](**{field.name: getattr(cell, field.name) for field in fields(cell)})

    def param_shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        shapes: Any = super().param_shapes(input_size)  # pyright: ignore[reportAttributeAccessIssue]  # of the cell
        return shapes | ({"bias": (2, 3 * self.units)} if self.has_two_biases else {})

    def init_params(self, input_size: int, rng: Seed = 0, dtype: DTypeLike = "float32") -> Arrays:
        rng, makers = np.random.default_rng(rng), USUAL | dict(self.initializer or ())
        caller, shapes = type(self).__name__, self.param_shapes(input_size)
        used = {name: makers.get(name, initializers.zeros) for name in shapes}
        return {name: initializers.draw(caller, used[name], shape, rng, dtype) for name, shape in shapes.items()}

    def engine_params(self, params: Arrays) -> Arrays:
        own = {name: self._exchanged(name, array) for name, array in params.items()}
        if self.has_two_biases:
            both, H = own["bias"], self.units
            own["bias"] = np.concatenate([both[0], both[1, 2 * H :]])
            own["bias"][: 2 * H] += both[1, : 2 * H]
        return own

    def own_gradients(self, d_params: Arrays) -> Arrays:
        d_own = dict(d_params)
        if self.has_two_biases:
            r_z_n_m, H = d_params["bias"], self.units
            d_own["bias"] = np.concatenate([r_z_n_m[: 3 * H], r_z_n_m[: 2 * H], r_z_n_m[3 * H :]]).reshape(2, 3 * H)
        return {name: self._exchanged(name, d) for name, d in d_own.items()}

    def _exchanged(self, name, array):
        """Exchange the first two blocks of columns of the gates: Keras' z, r, h are the cell's r, z, n."""
        if name not in GATED:
            return array
        H, own = self.units, array.copy()
        own[..., :H], own[..., H : 2 * H] = array[..., H : 2 * H], array[..., :H]
        return own


@dataclass(frozen=True)
class KerasGRUCell(KerasOrder, cells.GRUCell):
    """`nr.GRUCell` with its weights in Keras' order."""


@dataclass(frozen=True)
class KerasResetAfterGRUCell(KerasOrder, cells.ResetAfterGRUCell):
    """`nr.ResetAfterGRUCell` with its weights in Keras' order."""


@dataclass(frozen=True)
class UnitForgetBias:
    """Initialise the bias of an LSTM, with ones for the forget gate."""

    initializer: Initializer

    def __call__(self, shape: tuple[int, ...], rng: Any, dtype: DTypeLike = "float32") -> np.ndarray:
        bias = initializers.draw("LSTM", self.initializer, shape, rng, dtype)
        bias.reshape(4, -1)[1] = 1
        return bias


def SimpleRNNCell(
    units: int,
    activation: Any = "tanh",
    *,
    use_bias: bool = True,
    kernel_initializer: str | Initializer = "glorot_uniform",
    recurrent_initializer: str | Initializer = "orthogonal",
    bias_initializer: str | Initializer = "zeros",
    dropout: float = 0.0,
    recurrent_dropout: float = 0.0,
    **options: Any,
) -> RNNCell:
    """Make the cell of a `SimpleRNN` layer, for `RNN`.

    Parameters
    ----------
    units : int
        Width of the hidden state.
    activation : str, default "tanh"
        Name of the activation; None means "linear".
    use_bias : bool, default True
        Whether there is a bias.
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        Initial values of the kernel, of the recurrent kernel and of the bias.
    dropout, recurrent_dropout : float, default 0.0
        Share of the inputs and of the previous h that is set to zero in training, drawn once for each row.
    **options : object
        Other options of `nr.SimpleRNNCell`.

    Returns
    -------
    RNNCell
        The cell, in a `DropoutWrapper` and a `RecurrentDropoutWrapper` where there is dropout.
    """
    initial = _initial(use_bias, kernel_initializer, recurrent_initializer, bias_initializer)
    activation = activation or "linear"
    cell = cells.SimpleRNNCell(units, activation=activation, use_bias=use_bias, initializer=initial, **options)
    return _dropped(cell, dropout, recurrent_dropout)


def LSTMCell(
    units: int,
    activation: Any = "tanh",
    recurrent_activation: Any = "sigmoid",
    *,
    use_bias: bool = True,
    kernel_initializer: str | Initializer = "glorot_uniform",
    recurrent_initializer: str | Initializer = "orthogonal",
    bias_initializer: str | Initializer = "zeros",
    unit_forget_bias: bool = True,
    dropout: float = 0.0,
    recurrent_dropout: float = 0.0,
    **options: Any,
) -> RNNCell:
    """Make the cell of an `LSTM` layer, for `RNN`.

    Parameters
    ----------
    units : int
        Width of the hidden state.
    activation, recurrent_activation : str
        Names of the activations of the memory and of the gates; None means "linear".
    use_bias : bool, default True
        Whether there is a bias.
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        Initial values of the kernel, of the recurrent kernel and of the bias.
    unit_forget_bias : bool, default True
        Whether the bias of the forget gate starts at 1.
    dropout, recurrent_dropout : float, default 0.0
        Share of the inputs and of the previous h that is set to zero in training, drawn once for each row. Every gate
        has masks of h of its own, and all have the same for the inputs.
    **options : object
        Other options of `nr.LSTMCell`.

    Returns
    -------
    RNNCell
        The cell, in a `DropoutWrapper` and a `RecurrentDropoutWrapper` where there is dropout.
    """
    initial = _initial(use_bias, kernel_initializer, recurrent_initializer, bias_initializer)
    if use_bias and unit_forget_bias:
        initial["bias"] = UnitForgetBias(initial["bias"])
    cell = cells.LSTMCell(
        units,
        activation=activation or "linear",
        recurrent_activation=recurrent_activation or "linear",
        use_bias=use_bias,
        initializer=initial,
        **options,
    )
    return _dropped(cell, dropout, recurrent_dropout)


def GRUCell(
    units: int,
    activation: Any = "tanh",
    recurrent_activation: Any = "sigmoid",
    *,
    use_bias: bool = True,
    kernel_initializer: str | Initializer = "glorot_uniform",
    recurrent_initializer: str | Initializer = "orthogonal",
    bias_initializer: str | Initializer = "zeros",
    reset_after: bool = True,
    dropout: float = 0.0,
    recurrent_dropout: float = 0.0,
    **options: Any,
) -> RNNCell:
    """Make the cell of a `GRU` layer, for `RNN`; its weights are in Keras' order and shapes.

    Parameters
    ----------
    units : int
        Width of the hidden state.
    activation, recurrent_activation : str
        Names of the activations of the candidate and of the gates; None means "linear".
    use_bias : bool, default True
        Whether there is a bias.
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        Initial values of the kernel, of the recurrent kernel and of the bias.
    reset_after : bool, default True
        Whether the reset gate acts after the product with the recurrent kernel.
    dropout, recurrent_dropout : float, default 0.0
        Share of the inputs and of the previous h that is set to zero in training, drawn once for each row. Every gate
        has masks of h of its own, and all have the same for the inputs.
    **options : object
        Other options of `nr.ResetAfterGRUCell` or `nr.GRUCell`.

    Returns
    -------
    RNNCell
        The cell, in a `DropoutWrapper` and a `RecurrentDropoutWrapper` where there is dropout.
    """
    cell = (KerasResetAfterGRUCell if reset_after else KerasGRUCell)(
        units,
        activation=activation or "linear",
        recurrent_activation=recurrent_activation or "linear",
        use_bias=use_bias,
        initializer=_initial(use_bias, kernel_initializer, recurrent_initializer, bias_initializer),
        **options,
    )
    return _dropped(cell, dropout, recurrent_dropout)


def _initial(use_bias, kernel, recurrent_kernel, bias):
    """Return the initialisers by the names of the parameters."""
    made = {"kernel": kernel, "recurrent_kernel": recurrent_kernel} | ({"bias": bias} if use_bias else {})
    return {name: initializers.get(initializer) for name, initializer in made.items()}


def _dropped(cell, dropout, recurrent_dropout):
    """Put the cell into wrappers for the dropout that there is."""
    if recurrent_dropout:
        cell = RecurrentDropoutWrapper(cell, recurrent_dropout, per_gate=True)
    return DropoutWrapper(cell, input_keep_prob=1 - dropout, variational_recurrent=True) if dropout else cell
