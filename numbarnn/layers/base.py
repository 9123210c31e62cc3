"""What a layer is: parameters, a forward pass, and its gradient."""

import re
from dataclasses import dataclass, field

import numpy as np

from .. import constraints, regularizers
from ..errors import Checked, InputError


@dataclass(eq=False)
class Layer(Checked):
    """A layer; subclasses define `compute_output_shape`, `init_params`, `forward` and `backward`.

    ``build(input_shape)`` makes ``params``, {name: array}. ``forward(x, training, rng, mask)`` gives the output and
    what the gradient needs; ``backward(saved, d_output)`` gives the gradient of x and of the parameters, by name. Both
    leave the layer as it is, save for the state of stateful recurrent layers. Shapes start with the batch, None where
    free.

    ``non_trainable_weights``, {name: array}, have no gradient: ``updates(saved)`` gives the values that a model's
    training sets them to after a pass. ``weights`` are both.

    ``mask``: booleans in the leading axes of x, mostly (batch, steps), true where x counts; None: everywhere.
    ``compute_mask`` gives that of the output. Layers that treat every step alone pass it on.

    ``regularizers`` and ``constraints``, {parameter: object}, and ``activity_regularizer`` are a model's business: it
    adds the penalties to its loss, and applies the constraints after each update.
    """

    name: str | None = field(default=None, kw_only=True)
    input_shape: tuple | None = field(default=None, kw_only=True)
    activity_regularizer: object = field(default=None, kw_only=True)

    device = "cpu"
    takes_integers = False
    reads_rows = False  # whether x may be `Rows`, whose gradient then is a `RowsGradient`
    has_one_output = True
    makes_mask = False  # whether `compute_mask` makes a mask of x, whatever mask x has
    last_activation = None  # what ends the layer, where `pre_activation(saved)` is what it was applied to
    output_shape = None

    def __post_init__(self):
        self.params, self.non_trainable_weights = {}, {}
        if self.name is None:
            self.name = self.default_name()
        self.activity_regularizer = regularizers.get(self.activity_regularizer)
        self.regularizers = {}
        self.constraints = {}

    @classmethod
    def default_name(cls):
        """SimpleRNN -> simple_rnn"""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()

    @property
    def weights(self):
        return self.params | self.non_trainable_weights

    @property
    def built(self):
        return self.output_shape is not None

    def build(self, input_shape, rng=0, dtype="float32"):
        """Make fresh parameters for inputs of ``input_shape`` and return the shape of the output."""
        input_shape = tuple(input_shape)
        output_shape = self.compute_output_shape(input_shape)
        rng = np.random.default_rng(rng)
        self.params = self.init_params(input_shape, rng, dtype)
        self.non_trainable_weights = self.init_non_trainable_weights(input_shape, rng, dtype)
        self.dtype = np.dtype(dtype)
        self.output_shape = output_shape
        return output_shape

    def compute_output_shape(self, input_shape):
        return input_shape

    def init_params(self, input_shape, rng, dtype):
        return {}

    def init_non_trainable_weights(self, input_shape, rng, dtype):
        return {}

    def forward(self, x, training=False, rng=None, mask=None):
        raise NotImplementedError

    def backward(self, saved, d_output):
        raise NotImplementedError

    def updates(self, saved):
        """{name: new value} of non-trainable weights after a pass in training."""
        return {}

    def compute_mask(self, x, mask=None):
        """The mask of the output for an input x with this mask."""
        return mask

    def __call__(self, x, training=False, rng=None, mask=None, **options):
        """The output alone; the first call builds the layer for inputs like x. `options` are those of `forward`.

        Called on an `Input` or on what other layers gave for one: an `Output`, for `Model`.
        """
        if isinstance(x, Input | Output):
            return Output((*x.layers, self))
        x = np.asarray(x)
        if not self.built:
            self.build((None, *x.shape[1:]), dtype=x.dtype if x.dtype.kind == "f" else "float32")
        return self.forward(x, training, rng, mask, **options)[0]

    def count_params(self):
        return sum(array.size for array in self.weights.values())

    def _regularize_and_constrain(self, **parameters):
        """Take in {parameter: (regulariser, constraint)}, each an object, a name or None."""
        for parameter, (regularizer, constraint) in parameters.items():
            self.regularizers[parameter] = regularizers.get(regularizer)
            self.constraints[parameter] = constraints.get(constraint)

    def _expect(self, condition, expected, got):
        if not condition:
            raise InputError(f"{self.name}: expected {expected}, got {got}")

    def _expect_inputs(self, good, dtype, inputs, x):
        """What they are is put into words only for the message: naming a dtype takes NumPy longer than the check."""
        if not good:
            raise InputError(f"{self.name}: expected {dtype} {inputs}, got {x.dtype} of shape {x.shape}")

    def _expect_positive(self, **sizes):
        for name, size in sizes.items():
            self._expect(is_positive_integer(size), f"{name} to be a positive integer", repr(size))


def is_positive_integer(value):
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and value > 0


@dataclass(eq=False)
class Input(Layer):
    """Says what a model's inputs look like: ``shape`` is that of one sample, None where free. Holds no parameters."""

    shape: tuple

    def __post_init__(self):
        super().__post_init__()
        self.shape = tuple(self.shape) if isinstance(self.shape, tuple | list) else self.shape
        good = isinstance(self.shape, tuple) and all(n is None or is_positive_integer(n) for n in self.shape)
        self._expect(good, "the shape of one sample, such as (28, 28) or (None, 3)", self.shape)
        self._expect(self.activity_regularizer is None, "no activity_regularizer", self.activity_regularizer)
        self.input_shape = self.shape

    @property
    def layers(self):
        return (self,)

    def forward(self, x, training=False, rng=None, mask=None):
        return x, None

    def backward(self, saved, d_output):
        return d_output, {}


@dataclass(frozen=True, eq=False)
class Output:
    """What comes out of layers that were called on an `Input`, one on the other; holds no numbers."""

    layers: tuple

    def __repr__(self):
        return f"Output({' -> '.join(layer.name for layer in self.layers)})"
