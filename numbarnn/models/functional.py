"""Keras' functional way to write a list of layers: `Model(inputs, outputs)`."""

from typing import Any

from ..errors import InputError
from ..layers.base import Input, Output
from .sequential import Sequential


class Model(Sequential):
    """The layers between an input and outputs, without branches.

    Parameters
    ----------
    inputs : Input
        The first layer.
    outputs : Output
        What layers return that are called on the input, one on the other:
        ``x = Input((28, 28)); model = Model(x, Dense(10)(SimpleRNN(150)(x)))``.
    name : str
        The model's name.
    **options
        Other options of `Sequential`.

    Raises
    ------
    InputError
        If ``outputs`` do not come from ``inputs``.
    """

    def __init__(self, inputs: Input, outputs: Output, *, name: str = "model", **options: Any) -> None:
        if not isinstance(inputs, Input):
            raise InputError(f"Model: expected inputs to be an Input, got {inputs!r}")
        if not isinstance(outputs, Output) or outputs.layers[0] is not inputs:
            raise InputError(f"Model: expected outputs of layers that were called on {inputs!r}, got {outputs!r}")
        super().__init__(outputs.layers, name=name, **options)
