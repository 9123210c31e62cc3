"""Keras' functional way to write a chain of layers: `Model(inputs, outputs)`."""

from ..errors import InputError
from ..layers.base import Input, Output
from .sequential import Sequential


class Model(Sequential):
    """The layers between ``inputs``, an `Input`, and ``outputs`` as one chain; there are no branches.

    ``outputs`` is what layers give that are called on the input, one on the other:
    ``x = Input((28, 28)); model = Model(x, Dense(10)(SimpleRNN(150)(x)))``. Other options are those of `Sequential`.
    Raises `InputError`.
    """

    def __init__(self, inputs, outputs, *, name="model", **options):
        if not isinstance(inputs, Input):
            raise InputError(f"Model: expected inputs to be an Input, got {inputs!r}")
        if not isinstance(outputs, Output) or outputs.layers[0] is not inputs:
            raise InputError(f"Model: expected outputs of layers that were called on {inputs!r}, got {outputs!r}")
        super().__init__(outputs.layers, name=name, **options)
