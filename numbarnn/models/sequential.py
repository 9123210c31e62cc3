"""`Sequential`: a list of layers, one after another, and its training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..errors import InputError
from ..layers import Input, Layer
from ..layers.base import is_taken
from ..layers.graph import Graph, chain
from ..utils.padded import values_and_mask
from .inputs import fitted, numbers_of
from .network import Network


class Sequential(Network):
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

    # what stands for the inputs, once it is asked for
    _input: Input | None = None

    def __init__(
        self,
        layers: Iterable[Layer] = (),
        *,
        seed: int = 0,
        dtype: DTypeLike = "float32",
        device: str = "cpu",
        name: str = "sequential",
    ) -> None:
        super().__init__(seed=seed, dtype=dtype, device=device, name=name)
        self.input_shape = None
        for layer in layers:
            self.add(layer)

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
        if layer.takes_several:
            raise InputError(
                f"{self.name}: expected a layer of one input, got {layer.name}, which merges several; "
                "Model(inputs, outputs) has such layers"
            )
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
        self._graph = None
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

    def _sorted_calls(self) -> Graph:
        return chain(self.layers)

    @property
    def output_shape(self) -> tuple[int | None, ...] | None:
        """Shape of the outputs, the batch first; None where it is free."""
        return self.layers[-1].output_shape if self.layers else self.input_shape

    @property
    def input(self) -> Input:
        """What the model reads, for layers to be called on: ``nr.Model(model.input, head(model.output))``."""
        self._expect_built("input")
        if self._input is None:
            shape: Any = self.input_shape
            self._input = Input(shape[1:])
        return self._input

    @property
    def output(self) -> Any:
        """What stands for the outputs of the last layer; ``output.shape`` is their shape."""
        self._expect_built("output")
        output: Any = self.input
        for layer in self.layers:
            output = layer(output)
        return output

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
        super().summary(print_fn)

    def _build(self, layer):
        layer.build(self._shape_before(layer), self._weights_rng, self.dtype)
        self._list(layer)

    def _shape_before(self, layer):
        """Return the shape of the layer's inputs."""
        before = self.layers[: self.layers.index(layer)]
        return before[-1].output_shape if before else self.input_shape

    def _inputs(self, x):
        """Return x as an array or a `Padded` that the first layer takes; the first call builds the model."""
        if not self.layers:
            raise InputError(f"{self.name}: expected at least one layer")
        integers = self.layers[0].takes_integers
        given = numbers_of(self.name, "inputs", x, integers)
        if not self.built:
            shape = np.shape(values_and_mask(given)[0])
            self.build((None,) * len(shape) if integers else (*[None] * (len(shape) - 1), shape[-1]))
        return fitted(self.name, "inputs", given, self.input_shape, None if integers else self.dtype)
