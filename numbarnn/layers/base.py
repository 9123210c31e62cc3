"""What a layer is: parameters, a forward pass, and its gradient."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .. import constraints, regularizers
from ..errors import InputError, is_positive_integer
from ..regularizers import Regularizer
from ..runtime.planned_memory import PlannedArray, PlannedMemory
from ..utils.arrays import float_dtype, plain_array
from ..utils.config import Configured
from ..utils.docs import inherit_parameters
from ..utils.options import call_text, changed_options
from ..utils.types import Arrays, Seed, Shape
from ..utils.writable import check_writable
from . import symbolic

# Keras' options without a counterpart, and what takes their place
HERE = {
    "seed": "random numbers are those of rng in a call, and of Sequential(layers, seed=...)",
    "dtype": "the dtype is that of build(shape, dtype=...), and of Sequential(layers, dtype=...)",
    "weights": "set_weights sets them, and an initializer may be an array",
    "use_cudnn": "the model's device says where it runs",
    "batch_size": "a batch may have any number of rows",
    "batch_shape": "shape is that of one sample, and a batch may have any number of rows",
    "batch_input_shape": "input_shape is that of one sample, and a batch may have any number of rows",
    "input_length": "input_shape is that of one sample, (None,) for any length",
    "sparse": "arrays are dense",
    "ragged": "sequences of several lengths are padded, with a mask",
}
EXPECTED_SHAPE = "the shape of one sample, such as (28, 28) or (None, 3)"
# attributes of a built layer that may be set; the others belong to its model
SETTABLE = "trainable", "state", "params", "non_trainable_weights", "device", "name", "output_shape", "dtype"


class ExplainsKerasOptions(Configured):
    """Says what takes the place of an option of Keras that has no counterpart."""

    def __new__(cls, *args, **options):
        for word in options.keys() & HERE.keys():
            raise InputError(f"{cls.__name__}: {word} is an option of Keras; here {HERE[word]}")
        return super().__new__(cls, *args, **options)


@inherit_parameters
@dataclass(eq=False, repr=False)
class Layer(ExplainsKerasOptions):
    """Base class of layers; subclasses define `compute_output_shape`, `init_params`, `forward` and `backward`.

    `forward` and `backward` leave the layer as it is, but for the state of stateful recurrent layers. Shapes start with
    the batch; a size is None if it is free. A model adds the penalties of ``regularizers`` and of
    ``activity_regularizer`` to its loss, and applies ``constraints`` after each update.

    Parameters
    ----------
    name : str, optional
        Name of the layer in a model; by default the name of the class in lower case, such as "simple_rnn".
    input_shape : tuple of int or None, optional
        Shape of one sample, for the first layer of a model without an `Input`.
    activity_regularizer : str or Regularizer, optional
        Penalty on the output, divided by the size of the batch.
    trainable : bool, default True
        Whether training changes the parameters; it may be set at any time.

    Attributes
    ----------
    params : dict
        {name: array} of the trainable parameters.
    non_trainable_weights : dict
        {name: array} of weights without a gradient, such as moving averages.
    output_shape : tuple of int or None
        Shape of the output of a built layer.

    Raises
    ------
    InputError
        An option is unknown or out of its range.
    """

    name: str = field(default=None, kw_only=True)  # pyright: ignore[reportAssignmentType]  # see __post_init__
    input_shape: tuple[int | None, ...] | None = field(default=None, kw_only=True)
    activity_regularizer: str | Regularizer | None = field(default=None, kw_only=True)
    trainable: bool = field(default=True, kw_only=True)

    device = "cpu"
    takes_integers = False
    reads_rows = False  # whether x may be `DeferredLookup`, whose gradient then is a `LookupGradient`
    has_one_output = True
    # whether it is called on a list of inputs
    takes_several = False
    # of a recurrent layer
    return_state = False
    stateful = False
    state_sizes = ()
    makes_mask = False  # whether `compute_mask` makes a mask of x, whatever mask x has
    last_activation: ClassVar[str | None] = None  # the activation that ends the layer; see `pre_activation`
    output_shape = None

    def __post_init__(self):
        self.params: Arrays = {}
        self.non_trainable_weights: Arrays = {}
        if self.name is None:
            self.name = self.default_name()
        if not isinstance(self.name, str):
            raise InputError(f"{type(self).__name__}: expected name to be text, got {self.name!r}")
        self._expect(self.input_shape is None or is_shape(self.input_shape), EXPECTED_SHAPE, repr(self.input_shape))
        self.activity_regularizer = regularizers.get(self.activity_regularizer)
        self.regularizers: dict[str, Regularizer | None] = {}
        self.constraints: dict[str, Any] = {}

    @classmethod
    def default_name(cls) -> str:
        """Write the name of the class in lower case: SimpleRNN -> simple_rnn.

        Returns
        -------
        str
            The name.
        """
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()

    @property
    def weights(self) -> Arrays:
        """All weights: trainable parameters and others, {name: array}."""
        return self.params | self.non_trainable_weights

    @property
    def trainable_params(self) -> Arrays:
        """The parameters that training changes, {name: array}."""
        return self.params if self.trainable else {}

    def __setattr__(self, name, value):
        """Refuse options of a built layer, which would have no effect, and names that mean nothing."""
        if self.built and name not in SETTABLE and not name.startswith("_"):
            settable = ", ".join(SETTABLE[:3])
            raise InputError(f"{self.name}: {name} has no effect on a built layer; {settable} may be set")
        if name == "trainable" and not isinstance(value, bool | np.bool_):
            raise InputError(f"{self.name}: expected trainable to be True or False, got {value!r}")
        object.__setattr__(self, name, value)

    def get_weights(self) -> list[np.ndarray]:
        """Copy the weights.

        Returns
        -------
        list of array
            Trainable parameters, then the others, in the order and shapes of Keras 3.
        """
        return [array.copy() for array in self.weights.values()]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set the weights.

        Parameters
        ----------
        weights : list of array_like
            Numbers of the shapes of `get_weights`, in its order; also what a layer of Keras 3 returns.

        Raises
        ------
        InputError
            Number, shapes or types differ; nothing has changed then.
        """
        self._expect(self.built, "a built layer to set the weights of", "one without parameters")
        set_arrays(self.name, self.weights, weights)

    @property
    def built(self) -> bool:
        """Whether the layer has its parameters."""
        return self.output_shape is not None

    def build(self, input_shape: Shape, rng: Seed = 0, dtype: "DTypeLike" = "float32") -> Any:
        """Make fresh parameters.

        Parameters
        ----------
        input_shape : tuple of int or None
            Shape of the inputs, which starts with the batch; None if a size is free.
        rng : Generator or int, default 0
            Random numbers, or a seed for them.
        dtype : {"float32", "float64"}, default "float32"
            Dtype of the parameters.

        Returns
        -------
        tuple of int or None
            Shape of the output; a list of shapes for several outputs.

        Raises
        ------
        InputError
            Inputs of this shape do not fit.
        """
        input_shape, dtype = tuple(input_shape), float_dtype(self.name, dtype)
        output_shape = self.compute_output_shape(input_shape)
        rng = np.random.default_rng(rng)
        self.params = self.init_params(input_shape, rng, dtype)
        self.non_trainable_weights = self.init_non_trainable_weights(input_shape, rng, dtype)
        self.dtype = dtype
        self._built_for = input_shape
        self.output_shape: Any = output_shape
        return output_shape

    def compute_output_shape(self, input_shape: Shape) -> Any:
        """Compute the shape of the output.

        Parameters
        ----------
        input_shape : tuple of int or None
            Shape of the inputs, which starts with the batch; None if a size is free.

        Returns
        -------
        tuple of int or None
            Shape of the output; a list of shapes for several outputs.

        Raises
        ------
        InputError
            Inputs of this shape do not fit.
        """
        return input_shape

    def init_params(self, input_shape: Shape, rng: np.random.Generator, dtype: "DTypeLike") -> dict[str, np.ndarray]:
        """Make fresh trainable parameters.

        Parameters
        ----------
        input_shape : tuple of int or None
            Shape of the inputs.
        rng : Generator
            Random numbers.
        dtype : dtype
            float32 or float64.

        Returns
        -------
        dict
            {name: array}.
        """
        return {}

    def init_non_trainable_weights(
        self, input_shape: Shape, rng: np.random.Generator, dtype: "DTypeLike"
    ) -> dict[str, np.ndarray]:
        """Make fresh weights that have no gradient.

        Parameters
        ----------
        input_shape : tuple of int or None
            Shape of the inputs.
        rng : Generator
            Random numbers.
        dtype : dtype
            float32 or float64.

        Returns
        -------
        dict
            {name: array}.
        """
        return {}

    def forward(
        self, x: Any, training: bool = False, rng: Seed | None = None, mask: np.ndarray | None = None
    ) -> tuple[Any, Any]:
        """Compute the output and keep what its gradient needs.

        Parameters
        ----------
        x : array (batch, ...)
            Inputs, of the dtype of the parameters, or integers for layers that take them.
        training : bool, default False
            Whether the pass belongs to training, with dropout and statistics of the batch.
        rng : Generator or int, optional
            Random numbers for layers that draw some in training, or a seed for them.
        mask : array, optional
            Booleans in the leading axes of ``x``, mostly (batch, steps), true where ``x`` counts.

        Returns
        -------
        output : array (batch, ...)
            The output; a list of arrays for several outputs.
        saved : object
            What `backward` needs.

        Raises
        ------
        InputError
            Inputs or mask do not fit.
        """
        raise NotImplementedError

    def backward(self, saved: Any, d_output: Any) -> tuple[Any, dict[str, np.ndarray]]:
        """Compute the gradients of a pass.

        Parameters
        ----------
        saved : object
            What `forward` returned.
        d_output : array (batch, ...)
            Gradient of the loss with respect to the output; a list for several outputs.

        Returns
        -------
        d_x : array (batch, ...)
            Gradient with respect to the inputs; None for integers.
        d_params : dict
            {name: array}, the gradients with respect to the trainable parameters.
        """
        raise NotImplementedError

    def plan_memory(self, memory: PlannedMemory, x: Any) -> tuple[Any, Callable[..., Any]]:
        """Plan the memory of a pass in training; nothing runs.

        Parameters
        ----------
        memory : PlannedMemory
            What the plan adds to.
        x : PlannedArray
            The inputs; a tuple for several.

        Returns
        -------
        output : PlannedArray
            The output; a tuple for several.
        backward : callable
            Plans the backward pass, and returns what holds the gradient of the inputs; None: it is that of the output.

        Raises
        ------
        InputError
            If the memory of the layer is not known.
        """
        several = not isinstance(x, PlannedArray)
        first = x[0] if several else x
        shape = self.compute_output_shape(tuple(part.shape for part in x) if several else x.shape)
        output = first._replace(shape=shape, masked=len(shape) > 2 and (first.masked or self.makes_mask))
        output = output._replace(held=output.hold(memory, "outputs"))
        inputs = x if several else (x,)

        def backward(from_pre_activation: bool = False) -> Any:
            held = [part.hold(memory, "gradients of inputs") for part in inputs]
            return held if several else held[0]

        return output, backward

    def pre_activation(self, saved: Any) -> np.ndarray:
        """Return what the last activation was applied to; a loss may start there, and `backward` with it.

        Parameters
        ----------
        saved : object
            What `forward` returned.

        Returns
        -------
        array (batch, ...)
            An array of the shape of the output, for a layer with a ``last_activation``.
        """
        raise NotImplementedError

    def updates(self, saved: Any, old: Arrays | None = None) -> dict[str, np.ndarray]:
        """Compute the values that training sets non-trainable weights to after a pass.

        Parameters
        ----------
        saved : object
            What `forward` returned.
        old : dict, optional
            {name: array} of their values before, if those are not the layer's own: it is called twice, and another pass
            has moved them.

        Returns
        -------
        dict
            {name: new value}.
        """
        return {}

    def compute_mask(self, x: Any, mask: np.ndarray | None = None) -> np.ndarray | None:
        """Compute the mask of the output.

        Parameters
        ----------
        x : array (batch, ...)
            Inputs.
        mask : array, optional
            Their mask: booleans in the leading axes, true where ``x`` counts.

        Returns
        -------
        array or None
            Booleans in the leading axes of the output; None if all of it counts.
        """
        return mask

    def __call__(
        self, x: Any, training: bool = False, rng: Seed | None = None, mask: np.ndarray | None = None, **options: Any
    ) -> Any:
        """Compute the output; the first call builds the layer for inputs like ``x``.

        Parameters
        ----------
        x : array_like (batch, ...), Input or Output
            Inputs, or a list of them for a layer that merges several; or, to define a `Model`, an `Input` or what
            another layer returned for one. A layer with parameters converts numbers to its dtype.
        training : bool, default False
            Whether the pass belongs to training, with dropout and statistics of the batch.
        rng : Generator or int, optional
            Random numbers for layers that draw some in training, or a seed for them.
        mask : array, optional
            Booleans in the leading axes of ``x``, mostly (batch, steps), true where ``x`` counts.
        **options : object
            Further options of `forward`, such as ``initial_state`` of recurrent layers, which may be what another
            layer returned for an `Input`, too.

        Returns
        -------
        array (batch, ...), Output, or list of these
            The output; a list of several, of states too with ``return_state``.

        Raises
        ------
        InputError
            Inputs, mask or options do not fit.
        """
        if symbolic.any_symbolic(x):
            return symbolic.call(self, x, training=training or None, rng=rng, mask=mask, **options)
        self._expect(not symbolic.any_symbolic(options.get("initial_state")), "inputs like its initial_state", repr(x))
        known = training is None or isinstance(training, bool | np.bool_)
        self._expect(known, "training to be True or False", repr(training))
        if self.takes_several:
            return self._of_several(x, bool(training), rng, mask)
        x = plain_array(self.name, "inputs", x)
        if mask is not None:
            mask = plain_array(self.name, "mask", mask)
            leading = x.shape[: max(1, mask.ndim)]
            self._expect(mask.shape == leading, f"mask of shape {leading}", mask.shape)
            self._expect(mask.dtype == bool, "mask of dtype bool", mask.dtype)
        if not self.built:
            self.build((None, *x.shape[1:]), dtype=x.dtype if x.dtype.kind == "f" else "float32")
        if self.params and not self.takes_integers and x.dtype.kind in "fiu":
            x = x.astype(self.dtype, copy=False)
        return self.forward(x, bool(training), rng, mask, **options)[0]

    def _of_several(self, x, training, rng, mask):
        """Compute the output of a list of inputs."""
        self._expect(isinstance(x, list | tuple), "a list of inputs", repr(x))
        x = [plain_array(self.name, "inputs", part) for part in x]
        self._expect(mask is None or len(mask) == len(x), "a list with a mask for each input", repr(mask))
        self.compute_output_shape(tuple(part.shape for part in x))
        return self.forward(x, training, rng, mask)[0]

    def count_params(self) -> int:
        """Count the weights, trainable or not.

        Returns
        -------
        int
            Number of elements of all arrays.
        """
        return sum(array.size for array in self.weights.values())

    def options(self) -> dict[str, Any]:
        """List the options that differ from their defaults.

        Returns
        -------
        dict
            {name: value}.
        """
        options = changed_options(self)
        return options if self.name != self.default_name() else {n: v for n, v in options.items() if n != "name"}

    def __repr__(self):
        made = call_text(self, self.options())
        if not self.built:
            return made
        shapes = [f"output {self.output_shape}", *(f"{name} {array.shape}" for name, array in self.weights.items())]
        return f"<{made}: {', '.join(shapes)}>"

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


def set_arrays(caller: str, arrays: Arrays, values: Sequence[ArrayLike]) -> None:
    """Set arrays in place to values of the same shapes, or raise `InputError` before anything changes."""
    if not isinstance(values, Iterable):
        raise InputError(f"{caller}: expected a list of arrays of weights, got {type(values).__name__}")
    values = [plain_array(caller, "weights", value) for value in values]
    got, expected = [v.shape for v in values], [array.shape for array in arrays.values()]
    if got != expected:
        raise InputError(f"{caller}: expected arrays of numbers of the shapes {expected}, got {got}")
    for name, value in zip(arrays, values, strict=True):
        if value.dtype.kind not in "fiu":
            raise InputError(f"{caller}: expected real numbers for {name}, got {value.dtype}")
    check_writable(caller, {("weight", name): array for name, array in arrays.items()})
    for array, value in zip(arrays.values(), values, strict=True):
        array[...] = value


def is_taken(layer: Layer, own: Arrays, prefix: str) -> bool:
    """Whether others built the layer: it has weights that are not among these arrays under this prefix."""
    return any(own.get(prefix + name) is not array for name, array in layer.weights.items())


def is_shape(shape: Any) -> bool:
    """Say whether this is a shape without the batch: sizes, None where one is free."""
    return isinstance(shape, tuple | list) and all(n is None or is_positive_integer(n) for n in shape)


@inherit_parameters
@dataclass(eq=False, repr=False)
class Input(Layer):
    """Describe the inputs of a model; it has no parameters.

    Parameters
    ----------
    shape : tuple of int or None
        Shape of one sample, such as (28, 28) or (None, 3); None if a size is free.
    """

    shape: tuple[int | None, ...]

    def __post_init__(self):
        super().__post_init__()
        self.shape = tuple(self.shape) if isinstance(self.shape, tuple | list) else self.shape
        self._expect(is_shape(self.shape), EXPECTED_SHAPE, self.shape)
        self._expect(self.activity_regularizer is None, "no activity_regularizer", self.activity_regularizer)
        self.input_shape = self.shape

    @property
    def stands_for_array(self) -> bool:
        """Whether layers may be called on it to define a model."""
        return True

    def options(self) -> dict[str, Any]:
        return {name: value for name, value in super().options().items() if name != "input_shape"}

    def forward(
        self, x: Any, training: bool = False, rng: Seed | None = None, mask: np.ndarray | None = None
    ) -> tuple[Any, Any]:
        return x, None

    def backward(self, saved: Any, d_output: Any) -> tuple[Any, dict[str, np.ndarray]]:
        return d_output, {}
