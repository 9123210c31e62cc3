"""`Sequential`: a list of layers, one after another, and its training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .. import checkpoint
from ..errors import InputError
from ..layers import Input, Layer
from ..layers.base import Output, is_taken, set_arrays
from ..runtime.interrupts import Interrupts
from ..training.trainer import Trainer
from ..utils.arrays import difference, float_dtype, shape_hint
from ..utils.padded import Padded, array_or_padded, described
from ..utils.writable import check_writable
from . import saving
from .summary import Summary


class Sequential(Trainer):
    """Layers one after another, with training as in Keras.

    Parameters
    ----------
    layers : iterable of Layer
        The layers. An `Input` first (or ``input_shape`` on the first layer) builds them as they are added; otherwise
        the first data build them.
    seed : int
        Decides everything random (initial weights, shuffling, dropout): the same seed, data and calls give the same
        bits.
    dtype : {"float32", "float64"}
        Of all parameters and outputs.
    device : str
        The engine of the recurrent layers, see `nr.forward`.
    name : str
        The model's name in summaries and errors.

    Attributes
    ----------
    params : dict of {"layer/parameter": ndarray}
        The trainable arrays that the layers compute with.
    weights : dict of {"layer/weight": ndarray}
        Those and the non-trainable ones, such as moving averages, layer by layer.

    Raises
    ------
    InputError
        If layers or options do not fit.

    Notes
    -----
    The loss includes the penalties of all regularisers, in `evaluate` too. If a mask (of `Masking`, or `Embedding` with
    mask_zero) reaches the output, loss and metrics are means over the valid steps, which come as rows (steps, outputs)
    with their labels; nothing else is looked at. Keras does the same, except that its mean of the loss over batches
    gives every sample the same weight, and this one every step. The loss's ``reduction`` says what its weighted sum is
    divided by; with "sum", the loss over several batches is the mean of their sums.
    """

    def __init__(
        self,
        layers: Iterable[Layer] = (),
        *,
        seed: int = 0,
        dtype: DTypeLike = "float32",
        device: str = "cpu",
        name: str = "sequential",
    ) -> None:
        if seed < 0:
            raise InputError(f"{type(self).__name__}: expected seed to be an integer of at least 0, got {seed}")
        seeds = np.random.SeedSequence(seed).spawn(3)
        self.dtype = float_dtype(type(self).__name__, dtype)
        self._weights_rng, self._shuffle_rng, self._dropout_rng = map(np.random.default_rng, seeds)
        self.device = device
        self.name = name
        self._interrupts = Interrupts()
        self.layers = []
        self._collect()
        self.input_shape = None
        for layer in layers:
            self.add(layer)

    def __reduce__(self):
        """Pickle the arrays with the layers alone, and no callbacks."""
        left = ("params", "weights", "regularizers", "constraints", "_callbacks", "_interrupts", "_stream")
        return object.__new__, (type(self),), {name: v for name, v in vars(self).items() if name not in left}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._interrupts = Interrupts()
        self._collect()

    def _collect(self):
        """List the parameters of all layers, with their regularisers and constraints."""
        self.params, self.weights, self.regularizers, self.constraints = {}, {}, {}, {}
        for layer in self.layers:
            self._list(layer)

    def __repr__(self) -> str:
        layers = ", ".join(type(layer).__name__ for layer in self.layers) or "no layers"
        state = f"{self.count_params():,} parameters" if self.built else "not built"
        return f"{type(self).__name__}({self.name!r}: {layers}; {state})"

    def _repr_html_(self) -> str:
        return Summary(self)._repr_html_()

    def add(self, layer: Layer) -> None:
        """Append a layer.

        Parameters
        ----------
        layer : Layer
            A new layer. One of several outputs ends the model, which then predicts but is not trained.

        Raises
        ------
        InputError
            If the layer is in use already, or does not fit the layers before.
        """
        if not isinstance(layer, Layer):
            raise InputError(f"{self.name}: expected a layer such as Dense(10), got {layer!r}")
        if self.layers and not self.layers[-1].has_one_output:
            ended = f"{self.layers[-1].name} with several outputs to be the last layer"
            raise InputError(f"{self.name}: expected {ended}, got {layer.name} after it")
        if not layer.has_one_output and layer.activity_regularizer is not None:
            raise InputError(f"{self.name}: expected no activity_regularizer of several outputs, got {layer!r}")
        if layer.built or any(layer is other for other in self.layers):
            raise InputError(f"{self.name}: expected a new layer, got {layer.name}, which is in use already")
        first = not self.layers and self.input_shape is None
        if isinstance(layer, Input):
            if not first:
                raise InputError(f"{self.name}: expected Input as the first layer")
            self.input_shape = (None, *layer.shape)
            return
        if first and layer.input_shape is not None:
            self.input_shape = (None, *layer.input_shape)
        layer.name = self._free_name(layer)
        layer.device = self.device
        self.layers.append(layer)
        if self.input_shape is not None:
            self._build(layer)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the parameters.

        Parameters
        ----------
        input_shape : sequence of int or None
            Shape of the inputs, the batch first; None where it is free.

        Raises
        ------
        InputError
            If the model is built already, another model has built a layer, or the layers do not take such inputs.
        """
        if self.built:
            raise InputError(f"{self.name}: already built for inputs of shape {self.input_shape}")
        for layer in self.layers:
            if is_taken(layer, self.weights, f"{layer.name}/"):
                raise InputError(f"{self.name}: expected a new layer, got {layer.name}, which is in use already")
        self.input_shape = tuple(input_shape)
        for layer in self.layers:
            self._build(layer)

    @property
    def built(self) -> bool:
        """Whether the parameters exist."""
        return self.input_shape is not None and bool(self.layers) and self.layers[-1].built

    @property
    def output_shape(self) -> tuple[int | None, ...] | None:
        """Shape of the outputs, the batch first; None where it is free."""
        return self.layers[-1].output_shape if self.layers else self.input_shape

    @property
    def output(self) -> Output:
        """What stands for the outputs of the last layer; ``output.shape`` is their shape."""
        self._expect_built("output")
        shape: Any = self.input_shape
        return Output((Input(shape[1:]), *self.layers))

    def count_params(self) -> int:
        """Count the weights, the non-trainable ones included.

        Returns
        -------
        int
            Number of elements of all arrays.
        """
        self._expect_built("count_params")
        return sum(array.size for array in self.weights.values())

    def summary(self, print_fn: Callable[[str], object] = print) -> None:
        """Print the layers, their output shapes and their numbers of parameters.

        A model that starts with an `Embedding` is built first, for sequences of any length.

        Parameters
        ----------
        print_fn : callable
            Takes the text.

        Raises
        ------
        InputError
            If the model is not built.
        """
        if not self.built and self.layers and self.layers[0].takes_integers:
            self.build((None, None))
        self._expect_built("summary")
        print_fn(str(Summary(self)))

    def get_weights(self) -> list[np.ndarray]:
        """Copy all weights.

        Returns
        -------
        list of ndarray
            In the order of ``weights``, which is that of Keras 3.
        """
        self._expect_built("get_weights")
        return [array.copy() for array in self.weights.values()]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set all weights.

        Parameters
        ----------
        weights : sequence of array_like
            Numbers of the shapes of `get_weights`, in its order.

        Raises
        ------
        InputError
            If number, shapes or types differ; nothing has changed then.
        """
        self._expect_built("set_weights")
        set_arrays(self.name, self.weights, weights)

    def save_weights(self, path: str | Path) -> None:
        """Write all weights to a file (npz), whole or not at all.

        Parameters
        ----------
        path : path-like
            The file.
        """
        self._expect_built("save_weights")
        checkpoint.save(path, self.weights)

    def save(self, path: str | Path, *, training: bool = False, epoch: int = 0) -> None:
        """Write the whole model to one file: layers, what `compile` was given, and weights; `nr.load_model` reads it.

        The file holds arrays (npz) and JSON, each array with its hash, and is written whole or not at all. Classes and
        functions of one's own are kept by their names.

        Parameters
        ----------
        path : path-like
            The file, usually "....npz".
        training : bool, default False
            Whether the file also holds all that training needs to continue, as that of `save_training` does.
        epoch : int
            Number of finished epochs, with ``training``.

        Raises
        ------
        InputError
            If the model is not built, or an option can neither be written nor named.
        """
        self._expect_built("save")
        saving.save(self, path, training, epoch)

    def own_options(self) -> dict[str, Any]:
        """Return the options of the constructor that only this class has, for `save`.

        Returns
        -------
        dict
            {name: value}.
        """
        return {}

    def load_weights(self, path: str | Path) -> None:
        """Read all weights from a file of `save_weights`.

        Parameters
        ----------
        path : path-like
            The file.

        Raises
        ------
        InputError
            If the file does not fit; nothing has changed then.
        """
        self._expect_built("load_weights")
        found, facts = checkpoint.load_with_facts(path)
        if facts is not None and any(name.startswith("parameter:") for name in found):
            reader = "model.save: nr.load_model" if "model_format" in facts else "save_training: load_training"
            raise InputError(f"{path}: not the weights of this model, but a file of {reader} reads it")
        wrong = difference(found, self.weights)
        if wrong:
            raise InputError(f"{path}: not the weights of this model: {wrong}")
        self._check_writable()
        for name, array in self.weights.items():
            array[...] = found[name]

    def _check_writable(self):
        check_writable(self.name, {("weight", name): array for name, array in self.weights.items()})

    def _build(self, layer):
        layer.build(self._shape_before(layer), self._weights_rng, self.dtype)
        self._list(layer)

    def _list(self, layer):
        named = lambda values: {f"{layer.name}/{name}": v for name, v in values.items() if v is not None}  # noqa: E731
        self.params |= named(layer.params)
        self.weights |= named(layer.weights)
        self.regularizers |= {name: r for name, r in named(layer.regularizers).items() if name in self.params}
        self.constraints |= {name: c for name, c in named(layer.constraints).items() if name in self.params}

    def _shape_before(self, layer):
        """Return the shape of the layer's inputs."""
        before = self.layers[: self.layers.index(layer)]
        return before[-1].output_shape if before else self.input_shape

    def _free_name(self, layer):
        """Return the layer's name, with a number behind it if it was not chosen and is taken."""
        taken, name, number = {other.name for other in self.layers}, layer.name, 0
        if name in taken and name != layer.default_name():
            raise InputError(f"{self.name}: expected another name, {name!r} is taken")
        while name in taken:
            number += 1
            name = f"{layer.name}_{number}"
        return name

    def _expect_built(self, caller):
        if not self.built:
            raise InputError(f"{self.name}: {caller} needs parameters: start with Input(shape), or call build first")

    def _inputs(self, x):
        """Return x as an array or a `Padded` that the first layer takes; the first call builds the model."""
        if not self.layers:
            raise InputError(f"{self.name}: expected at least one layer")
        given = array_or_padded(self.name, "inputs", x)
        values = given.values if isinstance(given, Padded) else given
        integers = self.layers[0].takes_integers
        if values.dtype.kind not in ("iu" if integers else "fiub") or values.ndim < 2:
            kind = "integers" if integers else "numbers"
            raise InputError(f"{self.name}: expected {kind} of shape (batch, ...), got {described(x, values)}")
        if values is not given and values.ndim < 3 - integers:
            raise InputError(f"{self.name}: expected samples of one shape, got some of lengths {given.lengths}")
        if not self.built:
            self.build((None,) * values.ndim if integers else (*[None] * (values.ndim - 1), values.shape[-1]))
        self._check_shape(values.shape)
        if values is given:
            return values if integers else values.astype(self.dtype, copy=False)
        return Padded(values if integers else values.astype(self.dtype, copy=False), given.lengths).zero_padded()

    def _check_shape(self, shape):
        """Raise `InputError` unless inputs have a shape that the model was built for."""
        free = tuple(m if n is None else n for n, m in zip(self.input_shape, shape, strict=False))
        if len(shape) == len(self.input_shape) and shape == free:
            return
        expected = ", ".join("any" if n is None else str(n) for n in self.input_shape[1:])
        hint = shape_hint(shape, self.input_shape[2]) if len(self.input_shape) == 3 else ""
        raise InputError(f"{self.name}: expected inputs of shape (batch, {expected}), got {shape}{hint}")
