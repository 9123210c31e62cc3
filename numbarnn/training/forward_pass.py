"""The forward pass of a batch through the calls of a network, and its backward pass."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..layers.graph import Call, Graph
from ..rnn.run import Gradients
from ..utils.tree import tree_leaves, tree_map


@dataclass
class ForwardPass:
    """The result of a batch's pass through a network.

    Several inputs, outputs or states are tuples, nested as their places in the graph.

    Attributes
    ----------
    graph : Graph
        The network.
    values : list of ndarray
        Outputs and final states, each at its place; None elsewhere.
    masks : list of ndarray of bool or None
        Which rows of a value count, at its place; None: all.
    penalty : float
        Sum of the layers' activity penalties.
    steps : list of (call, saved, gradient of its penalty)
        What the gradient needs; if it is not kept, of the calls alone that end the network.
    """

    graph: Graph
    values: list[Any]
    masks: list[Any]
    penalty: float
    steps: list[tuple[Call, Any, Any]]

    @property
    def outputs(self) -> Any:
        """The outputs (batch, ...) of the network."""
        return taken(self.values, self.graph.outputs)

    @property
    def mask(self) -> Any:
        """Which rows of ``outputs`` count; None: all."""
        return taken(self.masks, self.graph.outputs)

    @property
    def state(self) -> Any:
        """Final states, h first, of each recurrent layer, if the network returns them."""
        return taken(self.values, self.graph.final)

    @property
    def pre_activation(self) -> Any:
        """What the activation behind each output was applied to."""
        return tree_map(self.pre_activation_at, self.graph.outputs)

    def pre_activation_at(self, place: int) -> np.ndarray:
        """Return what the activation behind the output at a place was applied to."""
        layer, saved = next((call.layer, saved) for call, saved, _ in reversed(self.steps) if call.outputs == place)
        return layer.pre_activation(saved)

    @property
    def updates(self) -> dict[str, np.ndarray]:
        """{"layer/weight": new value} of the non-trainable weights after a pass in training."""
        updates = {}
        for (layer, *_), saved, _ in self.steps:
            if layer.non_trainable_weights:
                prefix = f"{layer.name}/"
                # of a layer that is called again
                moved = {n: updates[prefix + n] for n in layer.non_trainable_weights if prefix + n in updates}
                found = layer.updates(saved, moved) if moved else layer.updates(saved)
                updates |= {prefix + name: new for name, new in found.items()}
        return updates

    def backward(self, d_outputs, d_state=None, from_pre_activation=False, complete=None) -> Gradients:
        """Back-propagate through the calls.

        Parameters
        ----------
        d_outputs : ndarray or None
            Gradient of the loss with respect to the outputs; None: the loss has no part in this pass, so that its
            penalties do not count either.
        d_state : sequence of sequence of (ndarray or None), optional
            The same with respect to ``state``.
        from_pre_activation : bool or tuple of bool
            Whether the gradient is that with respect to ``pre_activation`` instead; for each of several outputs.
        complete : callable, optional
            Called with {"layer/parameter": gradient} of each layer as soon as no call of it is left.

        Returns
        -------
        Gradients
            ``params`` {"layer/parameter": gradient} of the layers that it reaches; ``inputs`` and ``initial_state``
            like those of the pass, with None where no gradient arrives.
        """
        gradients, params, outputs = [None] * len(self.values), {}, self.graph.outputs
        add(gradients, outputs, d_outputs)
        if d_state is not None:
            add(gradients, self.graph.final, d_state)
        flags = zip(tree_leaves(outputs), tree_leaves(from_pre_activation), strict=True) if from_pre_activation else ()
        starts = {place for place, flag in flags if flag}
        calls_left, left = Counter(call.layer.name for call, *_ in self.steps) if complete else {}, {}
        for (layer, read, written, states, *_), saved, d_penalty in reversed(self.steps):
            if type(written) is int:
                d, gradients[written] = gradients[written], None
            else:
                d = taken(gradients, written)
                put(gradients, written, None)
            if d_penalty is not None and d_outputs is not None:
                d = _with_penalty(d, d_penalty)
            if complete:
                calls_left[layer.name] -= 1
            if d is None or (type(d) is tuple and all(part is None for part in tree_leaves(d))):
                continue
            d, of_layer = layer.backward(saved, d, **({"from_pre_activation": True} if written in starts else {}))
            if states and isinstance(d, list):
                d, *d_initial = d
                add(gradients, states, d_initial)
            add(gradients, read, d)
            for name, gradient in of_layer.items():
                name = f"{layer.name}/{name}"
                params[name] = params[name] + gradient if name in params else gradient
            if complete:
                left |= {f"{layer.name}/{name}": params[f"{layer.name}/{name}"] for name in of_layer}
                if left and not calls_left[layer.name]:
                    complete(left)
                    left = {}
        if left:  # of layers whose first call had no part in the loss
            complete(left)
        return Gradients(params, taken(gradients, self.graph.inputs), taken(gradients, self.graph.initial))


def forward(graph, inputs, training=False, rng=None, mask=None, state=None, keep=False) -> ForwardPass:
    """Run a batch through a network.

    The latest mask counts, as in Keras: one that a layer makes replaces those of the layers before. The mask of the
    data itself holds everywhere.

    Parameters
    ----------
    graph : Graph
        The network.
    inputs : ndarray (batch, ...)
        Its inputs; a tuple for several.
    training : bool
        Whether dropout is applied; what the gradient needs is kept then.
    rng : numpy.random.Generator, optional
        The source of all random choices.
    mask : ndarray (batch, steps) of bool, optional
        Which steps of the data count, like ``inputs``.
    state : sequence of sequence of ndarray, optional
        Initial states, like those of the result; zeros by default.
    keep : bool
        Whether what the gradient needs is kept outside of training, too.

    Returns
    -------
    ForwardPass
    """
    values, masks, penalty, steps = [None] * graph.size, [None] * graph.size, 0.0, []
    put(values, graph.inputs, inputs)
    put(masks, graph.inputs, mask)
    of_data = None if mask is None else masks[:]
    if state:
        for places, arrays in zip(graph.initial, state, strict=True):
            put(values, places, arrays)
    # a chain of small layers is as long as this loop: one place is read and written without a call
    for call in graph.calls:
        layer, read, written, states, deferred, ends, done = call
        x, mask = (values[read], masks[read]) if type(read) is int else (taken(values, read), taken(masks, read))
        if deferred:
            outputs, saved = layer.rows(x)
        elif states:
            outputs, saved = layer.forward(x, training, rng, mask, _given(taken(values, states)))
        else:
            outputs, saved = layer.forward(x, training, rng, mask)
        if of_data is not None:
            put_masks_of_data(call, x, masks, of_data)
        elif type(written) is int:
            masks[written] = layer.compute_mask(x, mask)
        else:
            put_masks(masks, written, layer.compute_mask(x, mask))
        d_penalty = None
        if layer.activity_regularizer is not None:
            of_layer, d_penalty = _activity_penalty(call, outputs, of_data)
            penalty += of_layer
        if type(written) is int:
            values[written] = outputs
        else:
            put(values, written, outputs)
        if training or keep or ends:
            steps.append((call, saved, d_penalty))
        for place in done:
            values[place] = None
    return ForwardPass(graph, values, masks, penalty, steps)


def taken(values, places):
    """Return the values at places, nested likewise."""
    return values[places] if isinstance(places, int) else tuple([taken(values, place) for place in places])


def put(values, places, new):
    """Set the values at places; None sets all of them to None."""
    if isinstance(places, int):
        values[places] = new
    else:
        for place, value in zip(places, [None] * len(places) if new is None else new, strict=True):
            put(values, place, value)


def add(gradients, places, new):
    """Add gradients at places, of which None is zero."""
    if isinstance(places, int):
        before = gradients[places]
        gradients[places] = new if before is None else before if new is None else before + new
    elif new is not None:
        for place, gradient in zip(places, new, strict=True):
            add(gradients, place, gradient)


def put_masks(masks, places, made):
    """Set the masks of a call's outputs; where it makes fewer, the later outputs have none."""
    if isinstance(places, int):
        masks[places] = made
    else:
        for place, mask in zip(tree_leaves(places), made if isinstance(made, list) else [made], strict=False):
            masks[place] = mask


def put_masks_of_data(call, x, masks, of_data):
    """Set the masks of a call's outputs, under that of the data."""
    layer, mask, of_inputs = call.layer, taken(masks, call.inputs), taken(of_data, call.inputs)
    made, held = layer.compute_mask(x, mask), of_inputs
    if of_inputs is not None and not layer.makes_mask:
        held = layer.compute_mask(x, of_inputs)
    elif of_inputs is not None:
        made = of_inputs if made is None else made & of_inputs
    put_masks(masks, call.outputs, made)
    put_masks(of_data, call.outputs, held)


def _given(states):
    """Return initial states; None if none are given."""
    return None if all(array is None for array in tree_leaves(states)) else states


def _activity_penalty(call, outputs, of_data):
    """Return the penalty on the first output (batch, ...) of a call, a mean over the batch, and its gradient.

    Padding that the mask of the data hides does not count.
    """
    regularizer = call.layer.activity_regularizer
    alone = isinstance(call.outputs, int)
    x, place = (outputs, call.outputs) if alone else (outputs[0], call.outputs[0])
    samples, mask = max(1, len(x)), None if of_data is None else of_data[place]
    if mask is not None:
        x = np.where(mask.reshape(*mask.shape, *[1] * (x.ndim - mask.ndim)), x, x.dtype.type(0))
    return regularizer(x) / samples, regularizer.gradient(x) / x.dtype.type(samples)


def _with_penalty(d, d_penalty):
    """Return the gradient of a call's outputs with that of the penalty, which the first output has."""
    first, *states = d if isinstance(d, tuple) else [d]
    first = d_penalty if first is None else first + d_penalty
    return (first, *states) if isinstance(d, tuple) else first
