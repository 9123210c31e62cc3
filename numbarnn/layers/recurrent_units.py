"""The options that SimpleRNN, LSTM and GRU share."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import initializers
from ..cells import Cell
from ..initializers import Initializer
from ..ops import activations
from ..regularizers import Regularizer
from ..utils.docs import inherit_parameters
from ..utils.types import Shape
from ..wrappers import RecurrentDropoutWrapper
from .input_dropout import InputDropout
from .recurrent import Recurrent


@inherit_parameters
@dataclass(eq=False, repr=False)
class RecurrentUnits(Recurrent):
    """Base class of recurrent layers with units; subclasses define `make_cell`.

    Parameters
    ----------
    units : int
        Width of the hidden state, and of the output.
    activation : str or callable, default "tanh"
        Name of the activation, or a function with the values of one, such as ``np.tanh``; None means "linear".
    use_bias : bool, default True
        Whether there is a bias.
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        Initial values of the kernel, of the recurrent kernel and of the bias, each with all gates side by side.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on them.
    kernel_constraint, recurrent_constraint, bias_constraint : str or callable, optional
        Constraints on them.
    dropout : float, default 0.0
        Share of the inputs that is set to zero in training, in [0, 1). It is drawn once for each row, and is the same
        at every step.
    recurrent_dropout : float, default 0.0
        The same for the previous h that feeds the gates; the state itself is never dropped. Every gate has masks of
        its own then, for the inputs too.

    Raises
    ------
    InputError
        An option is unknown or out of its range.

    References
    ----------
    Gal, Ghahramani (2016), "A theoretically grounded application of dropout in recurrent neural networks".
    """

    units: int
    activation: Any = "tanh"
    _: KW_ONLY
    use_bias: bool = True
    kernel_initializer: str | Initializer = "glorot_uniform"
    recurrent_initializer: str | Initializer = "orthogonal"
    bias_initializer: str | Initializer = "zeros"
    kernel_regularizer: str | Regularizer | None = None
    recurrent_regularizer: str | Regularizer | None = None
    bias_regularizer: str | Regularizer | None = None
    kernel_constraint: str | Callable[[np.ndarray], np.ndarray] | None = None
    recurrent_constraint: str | Callable[[np.ndarray], np.ndarray] | None = None
    bias_constraint: str | Callable[[np.ndarray], np.ndarray] | None = None
    dropout: float = 0.0
    recurrent_dropout: float = 0.0

    implementation = 2  # a class attribute here: SimpleRNN has one gate, so no choice

    def __post_init__(self):
        super().__post_init__()
        self._name_activations()
        self.initializers = {
            "kernel": initializers.get(self.kernel_initializer),
            "recurrent_kernel": initializers.get(self.recurrent_initializer),
            "bias": initializers.get(self.bias_initializer),
        }
        self._regularize_and_constrain(
            kernel=(self.kernel_regularizer, self.kernel_constraint),
            recurrent_kernel=(self.recurrent_regularizer, self.recurrent_constraint),
            bias=(self.bias_regularizer, self.bias_constraint),
        )
        for name in ("dropout", "recurrent_dropout"):
            rate = getattr(self, name)
            self._expect(0 <= rate < 1, f"a rate {name} in [0, 1)", repr(rate))
        self._expect(self.implementation in (1, 2), "implementation 1 or 2", repr(self.implementation))
        cell = self.make_cell()
        per_gate = self.implementation == 1 or self.recurrent_dropout > 0
        self.dropout_masks = len(cell.fed_by("x")) if per_gate else 1
        rate = self.recurrent_dropout
        self.cell = RecurrentDropoutWrapper(cell, rate, per_gate=True) if rate else cell

    def _name_activations(self):
        """Replace functions by the names of activations with their values, and None by "linear"."""
        for option in ("activation", "recurrent_activation"):
            if hasattr(self, option):
                setattr(self, option, activations.name_of(self.name, getattr(self, option)))

    def make_cell(self) -> Cell:
        """Make the cell from the options.

        Returns
        -------
        Cell
            The cell.
        """
        raise NotImplementedError

    def init_params(self, input_shape: Shape, rng: np.random.Generator, dtype: "DTypeLike") -> dict[str, np.ndarray]:
        shapes = self.cell.param_shapes(input_shape[2])
        draw = initializers.draw
        return {name: draw(self.name, self.initializers[name], shape, rng, dtype) for name, shape in shapes.items()}

    def input_dropout(self, x: Any, rng: np.random.Generator | None) -> InputDropout | None:
        if not self.dropout:
            return None
        self._expect(rng is not None, "rng, a NumPy Generator or a seed, in training", "None")
        return InputDropout(self.dropout, self.dropout_masks, x, rng)
