"""What layers around other layers have in common."""

from dataclasses import dataclass
from typing import Any

from ..utils.docs import inherit_parameters
from .base import Layer, is_taken


@inherit_parameters
@dataclass(eq=False, repr=False)
class Wrapper(Layer):
    """Base class of layers that run other layers, each with parameters of its own."""

    def _take_in(self, **parts):
        """Run these layers, whose parameters are named "part/..."; a part called "" gives them no prefix."""
        for layer in parts.values():
            self._expect(isinstance(layer, Layer), "a layer such as LSTM(10)", repr(layer))
            self._expect(not layer.built, "a new layer", f"{layer.name}, which is in use already")
        self.parts: dict[str, Any] = {f"{name}/" if name else "": layer for name, layer in parts.items()}
        self.regularizers = self._prefixed([layer.regularizers for layer in parts.values()])
        self.constraints = self._prefixed([layer.constraints for layer in parts.values()])

    def __setstate__(self, state):
        """Share the arrays of the parts again: some picklers copy an array for each name that it has."""
        self.__dict__.update(state)
        if self.params:
            self.params = self._prefixed([layer.params for layer in self.parts.values()])
        if self.non_trainable_weights:
            self.non_trainable_weights = self._prefixed([layer.non_trainable_weights for layer in self.parts.values()])

    @property
    def trainable_params(self) -> dict[str, Any]:
        """The parameters that training changes, {name: array}; a part may be frozen alone."""
        parts = [layer.trainable_params if self.trainable else {} for layer in self.parts.values()]
        return self._prefixed(parts)

    def _prefixed(self, values):
        """Make one dictionary under the names of this layer from one of each part."""
        named = zip(self.parts, values, strict=True)
        return {prefix + name: value for prefix, of_part in named for name, value in of_part.items()}

    def _build_parts(self, input_shape, rng, dtype):
        """Build all parts for inputs of this shape, and return their parameters."""
        for prefix, layer in self.parts.items():
            taken = is_taken(layer, self.weights, prefix)
            self._expect(not taken, "a new layer", f"{layer.name}, which is in use already")
            layer.build(input_shape, rng, dtype)
        return self._prefixed([layer.params for layer in self.parts.values()])

    @property
    def device(self) -> str:
        """The device on which recurrent layers run, see `nr.forward`."""
        return next(iter(self.parts.values())).device

    @device.setter
    def device(self, device):
        for layer in self.parts.values():
            layer.device = device
