"""A batch on its way through a chain of layers whose states go in and come out, and the way of the gradient back."""

from copy import copy
from dataclasses import dataclass, field

from ..layers import Bidirectional, Embedding, Masking
from ..layers.recurrent import Recurrent
from .forward_pass import ChainPass, activity_penalty, layer_forward


@dataclass
class StatePass(ChainPass):
    """A `ChainPass` with the final `states` of the recurrent layers: for each a list of arrays, h first."""

    states: list = field(default_factory=list)

    def backward(self, d_output, d_states=None, **options):
        """({"layer/parameter": gradient}, those of the initial states, like `states`; none where none were given).

        ``d_output`` may be None, and so may each array of ``d_states``.
        """
        gradients, d_initial, d = {}, [], d_output
        d_states = list(self.states_without_gradient if d_states is None else d_states)
        for layer, kept, d_penalty in reversed(self.steps):
            if d_penalty is not None:
                d = d_penalty if d is None else d + d_penalty
            recurrent = is_recurrent(layer)
            if d is None and not recurrent:
                continue
            d, grads = layer.backward(kept, [d, *d_states.pop()] if recurrent else d, **options)
            if recurrent and isinstance(d, list):
                d, *d_state = d
                d_initial.insert(0, d_state)
            gradients |= {f"{layer.name}/{name}": g for name, g in grads.items()}
            options = {}
        return gradients, d_initial

    @property
    def states_without_gradient(self):
        return [[None] * len(state) for state in self.states]


def forward(layers, x, training=False, rng=None, mask=None, states=None):
    """The `StatePass` of x through layers of `with_states`; initial `states` like those that come out, None for zeros.

    Masks go from one layer to the next; one that an Embedding or a Masking makes counts together with the one before.
    """
    penalty, steps, finals = 0.0, [], []
    given = iter(states or ())
    for layer, following in zip(layers, [*layers[1:], None], strict=True):
        if is_recurrent(layer):
            (output, *final), kept = layer.forward(x, training, rng, mask, next(given, None))
            finals.append(final)
        else:
            output, kept = layer_forward(layer, following, x, training, rng, mask)
        mask, x = mask_after(layer, x, mask), output
        of_layer, d_penalty = activity_penalty(layer, x)
        penalty += of_layer
        steps = [*(steps if training else ()), (layer, kept, d_penalty)]
    return StatePass(x, mask, penalty, steps, finals)


def mask_after(layer, x, mask):
    made = layer.compute_mask(x, mask)
    if mask is None or not isinstance(layer, Embedding | Masking):
        return made
    return mask if made is None else mask & made


def is_recurrent(layer):
    return isinstance(layer, Recurrent | Bidirectional)


def with_states(layers):
    """The layers, the recurrent ones as copies with the same parameters that return their states and remember none."""
    return [_with_states(layer) if is_recurrent(layer) else layer for layer in layers]


def _with_states(layer):
    if isinstance(layer, Bidirectional):
        layer = copy(layer)
        layer.parts = {name: _with_states(part) for name, part in layer.parts.items()}
        layer.layer, layer.backward_layer = layer.parts.values()
        return layer
    layer = without_memory(layer)
    layer.return_state = True
    return layer


def without_memory(layer):
    """A copy of a recurrent layer, with the same parameters, that starts from zero states and remembers none."""
    layer = copy(layer)
    layer.stateful, layer.state = False, None
    return layer
