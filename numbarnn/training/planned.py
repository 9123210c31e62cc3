"""The memory of a batch of `fit`, planned step by step before it runs."""

from collections import Counter, defaultdict
from typing import Any

import numpy as np

from ..errors import InputError
from ..losses import SparseCategoricalCrossentropy
from ..runtime.planned_memory import PlannedArray
from ..utils.tree import tree_leaves
from .forward_pass import put, taken
from .objectives import from_pre_activation


def plan_batch(caller, memory, model, batch, steps, masked):
    """Plan a batch of `fit`: `Trainer._learn` and the passes through the layers."""
    if not model.built or model.loss is None:
        raise InputError(f"{caller}: expected a model that is built and compiled, got {model!r}")
    graph = model.graph
    if not isinstance(graph.inputs, int) or not isinstance(graph.outputs, int):
        raise InputError(f"{caller}: expected a model of one input and one output, got {model!r}")
    hold_weights(memory, model)
    x, weights = inputs_of(caller, model, batch, steps, masked), memory.count
    for _ in range(2):  # the second batch finds the pool filled, and the first one still there
        before = memory.held(weights)
        hold_batch(memory, model, x)
        memory.release(*before)
        plan_passes(caller, memory, model, x)


def plan_passes(caller, memory, model, x):
    """Plan a batch's way through the layers and back."""
    graph = model.graph
    values, held = [None] * graph.size, defaultdict(list)
    values[graph.inputs] = x
    readers = Counter(place for call in graph.calls for place in tree_leaves(call.inputs))
    gradients = []
    for call in graph.calls:
        gradients.append(plan_call(caller, memory.part(call.layer.name), call, values))
        for place in tree_leaves(call.outputs):
            if readers[place] != 1:
                values[place] = values[place]._replace(held=None)
    of_loss, fused = plan_loss(memory.part("loss"), model, values[graph.outputs])
    held[graph.outputs] = [of_loss]
    for call, backward in zip(reversed(graph.calls), reversed(gradients), strict=True):
        starts = fused and call.outputs == graph.outputs
        before = [d for place in tree_leaves(call.outputs) for d in held.pop(place, [])]
        made = backward(from_pre_activation=True) if starts else backward()
        if made is not None:  # that of the loss has a name until the update
            memory.release(*(d for d in before if d is not of_loss))
        after = before if made is None else made if isinstance(made, list) else [made]
        for place in tree_leaves(call.inputs):
            held[place] += after
            after = []


def hold_weights(memory, model):
    """Hold parameters and what the optimiser remembers of them."""
    for array in model.weights.values():
        memory.array("parameters", array.shape, array.itemsize)
    for array in model.trainable_params.values():
        memory.array("optimizer", (len(model.optimizer.slot_names), *array.shape), array.itemsize)


def hold_batch(memory, model, x):
    """Hold the inputs of a batch and its labels."""
    x.hold(memory, "batch")
    graph = model.graph
    shapes = [None] * graph.size
    shapes[graph.inputs] = x.shape
    for call in graph.calls:
        put(shapes, call.outputs, call.layer.compute_output_shape(taken(shapes, call.inputs)))
    *rows, outputs = shapes[graph.outputs]
    of_classes = isinstance(model.loss, SparseCategoricalCrossentropy)
    memory.array("batch", rows if of_classes else (*rows, outputs), 8 if of_classes else model.dtype.itemsize)


def inputs_of(caller, model, batch, steps, masked):
    """Return the inputs of a batch as a `PlannedArray`."""
    _, *axes = model.input_shape
    if axes and axes[0] is None:
        axes[0] = steps
    elif steps is not None and axes[:1] != [steps]:
        raise InputError(f"{caller}: expected {axes[0]} steps, those of the model's inputs, got {steps}")
    if None in axes:
        raise InputError(f"{caller}: expected steps, as the model's inputs have shape {model.input_shape}, got None")
    graph = model.graph
    integers = any(call.layer.takes_integers for call in graph.calls if call.inputs == graph.inputs)
    return PlannedArray((batch, *axes), np.dtype(np.int64) if integers else model.dtype, masked)


def plan_call(caller, memory, call, values):
    """Plan the call of a layer, and put its output among the values; returns the plan of its gradient."""
    if call.states:
        raise InputError(f"{caller}: expected layers that start from zero states, got {call.layer.name}")
    x: Any = taken(values, call.inputs)
    if not call.deferred:
        output, backward = call.layer.plan_memory(memory, x)
    else:  # the layer behind it looks up, and makes the gradient of the table
        layer = call.layer
        shape, masked = (*x.shape, layer.output_dim), x.masked or layer.mask_zero
        output, backward = PlannedArray(shape, layer.dtype, masked, rows=layer.input_dim), lambda: None
    put(values, call.outputs, output)
    return backward


def plan_loss(memory, model, predictions):
    """Plan loss and metrics; returns what holds the gradient, and whether it is that of the last pre-activation."""
    (objective,), (fused,) = model._objectives, from_pre_activation(model._objectives, model.graph.last)
    loss = fused or objective.loss
    # outputs and scores of the valid steps, one after another
    selected = predictions.hold(memory, "gradient", 2) if predictions.masked else None
    gradient = predictions.hold(memory, "gradient")
    working = predictions.hold(memory, "gradient", loss.arrays_at_once - 1)
    memory.release(selected, working)
    return gradient, fused is not None
