"""Recurrent layers that take states and return them instead of remembering any."""

from copy import copy

from .base import Layer
from .bidirectional import Bidirectional
from .recurrent import Recurrent


def is_recurrent(layer: Layer) -> bool:
    """Return whether a layer has states."""
    return isinstance(layer, Recurrent | Bidirectional)


def without_memory(layer: Recurrent) -> Recurrent:
    """Return a copy of a recurrent layer, with the same parameters, that starts from zero states."""
    return _changed(layer, stateful=False, state=None)


def returning_states(layer: Layer) -> Layer:
    """Return a copy of a recurrent layer, with the same parameters, that returns its states and remembers none."""
    if isinstance(layer, Bidirectional):
        parts = {name: returning_states(part) for name, part in layer.parts.items()}
        first, second = parts.values()
        return _changed(layer, parts=parts, layer=first, backward_layer=second)
    return _changed(layer, stateful=False, state=None, return_state=True)


def _changed(layer, /, **attributes):
    """Return a copy with other attributes, one of which may be called `layer`."""
    layer = copy(layer)
    vars(layer).update(attributes)
    return layer
