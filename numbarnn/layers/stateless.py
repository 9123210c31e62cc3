"""Copies of layers for prediction: with states that come in and go out, and with parameters that never change."""

from copy import copy
from typing import Any

from ..engines.fixed_params import snapshot
from .base import Layer
from .bidirectional import Bidirectional
from .embedding import Embedding
from .recurrent import Recurrent
from .states import as_state


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


def remembering(layer: Any, states: Any = None) -> Recurrent:
    """Return a copy of a recurrent layer, with the same parameters, that starts from states, zeros by default, and
    remembers its own."""
    state = None if states is None else as_state(layer.cell, states)
    return _changed(layer, stateful=True, state=state, return_state=False)


def with_fixed_params(layer: Layer) -> Layer:
    """Return a copy of a recurrent layer or an embedding for prediction, with a copy of its parameters.

    A recurrent layer packs its weights once; a stateful one continues from the state of the layer, and sets it. Other
    layers are returned as they are.
    """
    if isinstance(layer, Bidirectional):
        parts = {name: with_fixed_params(part) for name, part in layer.parts.items()}
        first, second = parts.values()
        return _changed(layer, parts=parts, layer=first, backward_layer=second)
    if isinstance(layer, Recurrent):
        return _changed(layer, params=snapshot(layer.params), _original=layer)
    if isinstance(layer, Embedding):
        return _changed(layer, params=snapshot(layer.params))
    return layer


def _changed(layer, /, **attributes):
    """Return a copy with other attributes, one of which may be called `layer`."""
    layer = copy(layer)
    vars(layer).update(attributes)
    return layer
