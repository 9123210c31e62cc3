"""The forward pass of a batch through a list of layers, and its backward pass."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..layers import Embedding
from ..layers.base import Layer
from ..rnn.run import Gradients


@dataclass
class ForwardPass:
    """The result of a batch's pass through a list of layers.

    Attributes
    ----------
    outputs : ndarray (batch, ...)
        Outputs of the last layer.
    mask : ndarray of bool or None
        Which rows of ``outputs`` count; None: all.
    penalty : float
        Sum of the layers' activity penalties.
    steps : list of (layer, saved, gradient of its penalty)
        What the gradient needs; if it is not kept, of the last layer alone.
    state : list of list of ndarray
        Final states, h first, of each layer that returns its states.
    encoder : ForwardPass or None
        The pass whose final states were the initial states of this one.
    split_states : callable or None
        Gradients of the encoder's final states from those of the initial states.
    """

    outputs: np.ndarray
    mask: np.ndarray | None
    penalty: float
    steps: list[tuple[Layer, Any, Any]]
    state: list[list[np.ndarray]]
    encoder: "ForwardPass | None" = None
    split_states: Callable | None = None

    @property
    def pre_activation(self) -> np.ndarray:
        """What the last layer's activation was applied to."""
        layer, saved, _ = self.steps[-1]
        return layer.pre_activation(saved)

    @property
    def all_outputs(self) -> Any:
        """Outputs of the last layer: a list if it has several, in the order of the layer."""
        return [self.outputs, *self.state[-1]] if _returns_state(self.steps[-1][0]) else self.outputs

    @property
    def updates(self) -> dict[str, np.ndarray]:
        """{"layer/weight": new value} of the non-trainable weights after a pass in training."""
        updates = {} if self.encoder is None else self.encoder.updates
        for layer, saved, _ in self.steps:
            updates |= {f"{layer.name}/{name}": new for name, new in layer.updates(saved).items()}
        return updates

    def backward(self, d_outputs, d_state=None, **options) -> Gradients:
        """Back-propagate through the layers.

        Parameters
        ----------
        d_outputs : ndarray or None
            Gradient of the loss with respect to the outputs; None: the loss has no part in this pass, so that its
            penalties do not count either.
        d_state : list of list of (ndarray or None), optional
            The same with respect to ``state``.
        **options
            Options of the last layer's ``backward``.

        Returns
        -------
        Gradients
            ``params`` {"layer/parameter": gradient}; ``initial_state`` like ``state``, empty if none were given.
        """
        params, d_initial, d = {}, [], d_outputs
        d_state = [[None] * len(arrays) for arrays in self.state] if d_state is None else list(d_state)
        for layer, saved, d_penalty in reversed(self.steps):
            if d_penalty is not None and d_outputs is not None:
                d = d_penalty if d is None else d + d_penalty
            if _returns_state(layer):
                d = [d, *d_state.pop()]
            elif d is None:
                continue
            d, of_layer = layer.backward(saved, d, **options)
            if isinstance(d, list):
                d, *of_states = d
                d_initial.insert(0, of_states)
            params |= {f"{layer.name}/{name}": gradient for name, gradient in of_layer.items()}
            options = {}
        if self.encoder is not None:
            d_encoded = np.zeros_like(self.encoder.outputs)
            params = self.encoder.backward(d_encoded, self.split_states(d_initial)).params | params
        return Gradients(params, d, d_initial)


def forward(layers, x, training=False, rng=None, mask=None, state=None, keep=False) -> ForwardPass:
    """Run a batch through layers.

    The latest mask counts, as in Keras: one that a layer makes replaces those of the layers before. The mask of the
    data itself holds everywhere.

    Parameters
    ----------
    layers : list of Layer
        Layers of one output, or as `with_states` makes them.
    x : ndarray (batch, ...)
        Inputs of the first layer.
    training : bool
        Whether dropout is applied; what the gradient needs is kept then.
    rng : numpy.random.Generator, optional
        The source of all random choices.
    mask : ndarray (batch, steps) of bool, optional
        Which steps of the data count.
    state : list of list of ndarray, optional
        Initial states, like those of the result; zeros by default.
    keep : bool
        Whether what the gradient needs is kept outside of training, too.

    Returns
    -------
    ForwardPass
    """
    of_data, penalty, steps, final = mask, 0.0, [], []
    initial = iter(state or ())
    for layer, following in zip(layers, [*layers[1:], None], strict=True):
        if _returns_state(layer):
            (outputs, *arrays), saved = layer.forward(x, training, rng, mask, next(initial, None))
            final.append(arrays)
        elif _defers_lookup(layer, following):
            outputs, saved = layer.rows(x)
        else:
            outputs, saved = layer.forward(x, training, rng, mask)
        mask, of_data = _masks_after(layer, x, mask, of_data)
        x = outputs
        of_layer, d_penalty = _activity_penalty(layer, x, of_data)
        penalty += of_layer
        steps = [*(steps if training or keep else ()), (layer, saved, d_penalty)]
    return ForwardPass(x, mask, penalty, steps, final)


def _returns_state(layer):
    return getattr(layer, "return_state", False)


def _defers_lookup(layer, following):
    """Whether the vectors of an embedding are read by a recurrent layer alone, which multiplies the table itself."""
    return isinstance(layer, Embedding) and following and following.reads_rows and not layer.activity_regularizer


def _masks_after(layer, x, mask, of_data):
    """Return the mask of a layer's outputs, and that of the data alone."""
    made = layer.compute_mask(x, mask)
    if of_data is None:
        return made, None
    if not layer.makes_mask:
        return made, layer.compute_mask(x, of_data)
    return (of_data if made is None else made & of_data), of_data


def _activity_penalty(layer, x, of_data):
    """Return the layer's activity penalty for outputs x (batch, ...), a mean over the batch, and its gradient.

    Padding that the mask of the data hides does not count.
    """
    if layer.activity_regularizer is None:
        return 0.0, None
    samples = max(1, len(x))
    if of_data is not None:
        x = np.where(of_data.reshape(*of_data.shape, *[1] * (x.ndim - of_data.ndim)), x, x.dtype.type(0))
    return layer.activity_regularizer(x) / samples, layer.activity_regularizer.gradient(x) / x.dtype.type(samples)
