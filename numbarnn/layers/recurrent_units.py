"""The options that SimpleRNN, LSTM and GRU share."""

from dataclasses import KW_ONLY, dataclass

from .. import initializers
from ..wrappers import RecurrentDropoutWrapper
from .input_dropout import InputDropout
from .recurrent import Recurrent


@dataclass(eq=False)
class RecurrentUnits(Recurrent):
    """A recurrent layer of ``units`` units; subclasses define `make_cell`.

    Parameters are the cell's, gates in its order. ``dropout`` and ``recurrent_dropout`` set shares of the inputs and of
    the previous h to zero in training, drawn once per call and row and the same at every step (rates in [0, 1)). With
    ``recurrent_dropout`` every gate has masks of its own, for the inputs too. The state itself is never dropped.
    """

    units: int
    activation: str | None = "tanh"
    _: KW_ONLY
    use_bias: bool = True
    kernel_initializer: object = "glorot_uniform"
    recurrent_initializer: object = "orthogonal"
    bias_initializer: object = "zeros"
    kernel_regularizer: object = None
    recurrent_regularizer: object = None
    bias_regularizer: object = None
    kernel_constraint: object = None
    recurrent_constraint: object = None
    bias_constraint: object = None
    dropout: float = 0.0
    recurrent_dropout: float = 0.0

    implementation = 2

    def __post_init__(self):
        super().__post_init__()
        self.activation = self.activation or "linear"
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
            self._expect(isinstance(rate, int | float) and 0 <= rate < 1, f"a rate {name} in [0, 1)", repr(rate))
        self._expect(self.implementation in (1, 2), "implementation 1 or 2", repr(self.implementation))
        cell = self.make_cell()
        per_gate = self.implementation == 1 or self.recurrent_dropout > 0
        self.dropout_masks = len(cell.fed_by("x")) if per_gate else 1
        rate = self.recurrent_dropout
        self.cell = RecurrentDropoutWrapper(cell, rate, per_gate=True) if rate else cell

    def make_cell(self):
        raise NotImplementedError

    def init_params(self, input_shape, rng, dtype):
        shapes = self.cell.param_shapes(input_shape[2])
        return {name: self.initializers[name](shape, rng, dtype) for name, shape in shapes.items()}

    def input_dropout(self, x, rng):
        if not self.dropout:
            return None
        self._expect(rng is not None, "rng, a NumPy Generator or a seed, in training", "None")
        return InputDropout(self.dropout, self.dropout_masks, x, rng)
