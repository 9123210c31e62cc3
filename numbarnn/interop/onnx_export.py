"""Cells and layers as nodes of ONNX: what each writes into a graph."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..cells.rnn_cell import RNNCell
from ..errors import InputError
from ..layers import (
    GRU,
    LSTM,
    RNN,
    Activation,
    Add,
    Average,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    Multiply,
    RepeatVector,
    SimpleRNN,
    TimeDistributed,
)
from ..layers.graph import read_by
from ..layers.stateless import is_recurrent
from ..models.encoder_decoder import EncoderDecoder
from ..models.functional import free_names
from ..utils.tree import tree_leaves, tree_map
from ..utils.types import Arrays
from ..wrappers import Bidirectional as BothDirections
from .composites import directions, levels, plain, taken
from .convert import outgoing
from .models import check_built, holder_of_layer
from .onnx_activations import CLIPS, OF_ROWS, SINCE, operator_of
from .onnx_cells import LIBRARY, NAMES, node_of_cells
from .onnx_graph import Graph, Value
from .table import counterpart

MERGES = {"sum": "ReduceSum", "mul": "ReduceProd", "ave": "ReduceMean"}


def axes_of(rank: int, takes_integers: bool = False) -> tuple[str, ...]:
    """Name the axes of inputs and outputs of a model."""
    middle = ["steps", *(f"axis {i}" for i in range(2, rank))][: rank - 1]
    return ("batch", *middle) if takes_integers else ("batch", *middle[: rank - 2], "features")


def write_model(caller: str, graph: Graph, model: Any) -> None:
    """Write the calls of the layers of a built model into a graph."""
    check_built(caller, model)
    if isinstance(model, EncoderDecoder):
        raise InputError(f"{caller}: expected a Sequential or a Model, got {model!r}")
    calls, inputs, outputs = model.graph.calls, tree_leaves(model.graph.inputs), tree_leaves(model.graph.outputs)
    names = _names(model, len(inputs), len(outputs))
    graph.names.update(names)
    integers = {place for call in calls if call.layer.takes_integers for place in read_by(call)}
    values = {}
    for place, name, shape in zip(inputs, names, _shapes(model.input_shape), strict=False):
        dtype = np.int64 if place in integers else None
        values[place] = graph.input(name, axes_of(len(shape), place in integers), shape, dtype)
    for call in calls:
        read, states = tree_map(values.get, call.inputs), [values[place] for place in tree_leaves(call.states)]
        written = write_layer(caller, graph, call.layer, read, states)
        values |= zip(tree_leaves(call.outputs), written if isinstance(written, list) else [written], strict=True)
    for place, name, shape in zip(outputs, names[len(inputs) :], _shapes(model.output_shape), strict=True):
        graph.output(name, graph.arranged(values[place], *axes_of(len(shape))), shape)


def write_layer(caller: str, graph: Graph, layer: Layer, x: Any, states: list[Value]) -> Value | list[Value]:
    """Write one call of a layer, or raise `InputError` if ONNX has no counterpart of it."""
    if type(layer) not in LAYERS:  # a subclass may compute something else
        raise InputError(f"{caller}: {LIBRARY} has no counterpart of the layer {layer.name} ({type(layer).__name__})")
    write = LAYERS[type(layer)]
    return write(caller, graph, layer, x, states) if is_recurrent(layer) else write(caller, graph, layer, x)


def write_cell(
    caller: str,
    graph: Graph,
    name: str,
    cell: RNNCell,
    params: Arrays,
    x: Value,
    *,
    reverse: bool = False,
    return_sequences: bool = True,
    lengths: str = "",
    initial_states: Mapping[str, Value] | None = None,
) -> tuple[Value, dict[str, tuple[Value, int]]]:
    """Write a cell, a stack of cells, or both directions of one: a node for each level.

    Parameters
    ----------
    lengths : str
        Name of the input of lengths, if there is one.
    initial_states : dict of {str: Value}, optional
        The states before the first step, under the names of `state_names`; zeros by default.

    Returns
    -------
    output : Value
        The outputs of all steps in the order of x, or those after the last step that was read.
    states : dict
        {name: (value, direction)} of the final states: where they stand along the axis of directions.
    """
    stack, states = levels(caller, cell), {}
    for i, (prefix, level) in enumerate(stack):
        both = [(prefix + side, plain(caller, LIBRARY, inner)) for side, inner in directions(level)]
        swapped = reverse and len(both) == 2
        both = both[::-1] if swapped else both  # the first direction of a node reads forwards
        direction = "bidirectional" if len(both) == 2 else "reverse" if reverse else "forward"
        kind, attributes, arrays = node_of_cells(caller, [(inner, taken(side, dict(params))) for side, inner in both])
        where = f"{name}/{prefix}".rstrip("/")
        given = arrays | {"sequence_lens": lengths} | _initial_states(graph, where, both, initial_states)
        found = _node(graph, where, kind, x, given, direction=direction, **attributes)
        ended = dict(zip(both[0][1].states, found[1:], strict=True))
        places = reversed([*enumerate(both)]) if swapped else enumerate(both)
        states |= {side + s: (ended[s], j) for j, (side, _) in places for s in ended}
        x = found[0] if return_sequences or i < len(stack) - 1 else ended["h"]
        x = graph.flipped(x, "directions") if swapped else x
        x = _merged(graph, x, getattr(level, "merge_mode", "concat"))
    return x, states


def state_names(caller: str, cell: RNNCell) -> dict[str, int]:
    """Return the states of a cell, a stack of cells, or both directions of one, and how many units each has."""
    stack = [(prefix + side, inner) for prefix, level in levels(caller, cell) for side, inner in directions(level)]
    alone = [(start, plain(caller, LIBRARY, inner)) for start, inner in stack]
    return {f"{start}{state}": inner.units for start, inner in alone for state in inner.states}


def write_state(graph: Graph, name: str, value: Value, direction: int) -> Value:
    """Write the state of one direction."""
    at = graph.constant(f"{name}/direction", np.array(direction))
    return Value(graph.add("Gather", name, [value.name, at], axis=0)[0], value.axes[1:])


def write_activation(caller: str, graph: Graph, name: str, activation: Any, x: Value) -> Value:
    """Write an activation; linear is none."""
    if activation == "linear":
        return x
    x = _features_last(graph, x)
    if activation in OF_ROWS:
        return graph.apply(OF_ROWS[activation], name, x, axis=-1)
    if activation in CLIPS:
        bounds = (np.array(bound, graph.dtype) for bound in CLIPS[activation])
        return graph.apply("Clip", name, x, *bounds)
    kind, attributes = operator_of(caller, activation)
    graph.opset = max(graph.opset, SINCE.get(kind, 0))
    return graph.apply(kind, name, x, **attributes)


def _node(graph, name, kind, x, given, **attributes) -> list[Value]:
    """Write a recurrent node; return its outputs and its final states."""
    x = graph.arranged(x, "steps", "batch", "features")
    names = {key: v if isinstance(v, str) else graph.constant(f"{name}/{key}", v) for key, v in given.items()}
    count = 3 if kind == "LSTM" else 2
    outputs = graph.add(kind, name, [x.name, *(names.get(key, "") for key in NAMES)], count, **attributes)
    axes = "directions", "batch", "features"
    return [Value(outputs[0], ("steps", *axes)), *(Value(output, axes) for output in outputs[1:])]


def _initial_states(graph, name, both, initial_states):
    """Join the states before the first step of both directions."""
    if initial_states is None:
        return {}
    joined, axis = {}, graph.constant(f"{name}/axis", np.array([0]))
    for state in both[0][1].states:
        parts = []
        for side, _ in both:
            given = graph.arranged(initial_states[f"{side}{state}"], "batch", "features")
            parts += graph.add("Unsqueeze", f"{given.name}/direction", [given.name, axis])
        (joined[f"initial_{state}"],) = graph.add("Concat", f"{name}/initial_{state}", parts, axis=0)
    return joined


def _merged(graph: Graph, x: Value, mode: str) -> Value:
    """Merge the outputs of directions; one alone is put side by side with nothing."""
    axes = tuple(axis for axis in x.axes if axis not in ("directions", "features"))
    if mode == "concat":
        x = graph.arranged(x, *axes, "directions", "features")
        shape = np.array([*[0] * len(axes), -1])  # 0: as it is
        return Value(graph.apply("Reshape", f"{x.name}/concat", x, shape).name, (*axes, "features"))
    place = x.axes.index("directions")
    merged = graph.apply(MERGES[mode], f"{x.name}/{mode}", x, np.array([place]), keepdims=0)
    return Value(merged.name, tuple(axis for axis in x.axes if axis != "directions"))


def _features_last(graph: Graph, x: Value) -> Value:
    return graph.arranged(x, *(axis for axis in x.axes if axis != "features"), "features")


def _recurrent(caller, graph, layer, x, states):
    return _sequence(caller, graph, layer, layer.cell, layer, x, states)


def _both_directions(caller, graph, layer, x, states):
    if layer.merge_mode is None:
        raise InputError(f"{caller}: expected a merge_mode of {layer.name}, got None")
    first, second = layer.parts.values()
    cell = BothDirections(first.cell, second.cell, merge_mode=layer.merge_mode)
    return _sequence(caller, graph, layer, cell, first, x, states)


def _sequence(caller, graph, layer, cell, first, x, states):
    """Write a recurrent layer; in both directions ``first`` is the one that says the order of outputs."""
    if layer.stateful:
        raise InputError(f"{caller}: expected {layer.name} with stateful=False, got True")
    names = list(state_names(caller, cell)) if states or layer.return_state else []
    if names and len(names) != len(tree_leaves(layer.state_sizes)):
        raise InputError(f"{caller}: {LIBRARY} has no counterpart of the states of {layer.name}")
    options = {"reverse": first.go_backwards, "return_sequences": first.return_sequences}
    options["initial_states"] = dict(zip(names, states, strict=True)) if states else None
    y, ended = write_cell(caller, graph, layer.name, cell, layer.params, x, **options)
    y = graph.flipped(y, "steps") if first.go_backwards and first.return_sequences else y
    if not layer.return_state:
        return y
    return [y, *(write_state(graph, f"{layer.name}/{name}", *ended[name]) for name in names)]


def _merge(kind):
    def write(caller, graph, layer, x):
        return _of_several(graph, kind, layer.name, x)

    return write


def _concatenate(caller, graph, layer, x):
    return _of_several(graph, "Concat", layer.name, x, axis=layer.axis)


def _of_several(graph, kind, name, x, **attributes):
    """Write a node that makes one value of several."""
    axes = axes_of(len(x[0].axes))
    names = [graph.arranged(value, *axes).name for value in x]
    return Value(graph.add(kind, name, names, **attributes)[0], axes)


def _multiply(caller, graph, layer, x):
    return functools.reduce(lambda a, b: _of_several(graph, "Mul", layer.name, [a, b]), x)


def _arrays(caller: str, layer: Layer) -> Arrays:
    return outgoing(caller, counterpart(caller, LIBRARY, layer), holder_of_layer(layer), layer.weights)


def _dense(caller, graph, layer, x):
    arrays = _arrays(caller, layer)
    y = graph.apply("MatMul", layer.name, _features_last(graph, x), arrays["kernel"])
    if layer.use_bias:
        y = graph.apply("Add", f"{layer.name}/bias", y, arrays["bias"])
    return write_activation(caller, graph, f"{layer.name}/activation", layer.activation, y)


def _embedding(caller, graph, layer, x):
    if layer.mask_zero:
        raise InputError(f"{caller}: expected {layer.name} with mask_zero=False, as {LIBRARY} has no masks, got True")
    table = graph.constant(f"{layer.name}/table", _arrays(caller, layer)["table"])
    return Value(graph.add("Gather", layer.name, [table, x.name], axis=0)[0], (*x.axes, "features"))


def _batch_normalization(caller, graph, layer, x):
    features = len(layer.weights["moving_mean"])
    usual = {"scale": np.ones(features, layer.dtype), "B": np.zeros(features, layer.dtype)}
    first, *others = (axis for axis in x.axes if axis != "features")
    x = graph.arranged(x, first, "features", *others)
    return graph.apply(
        "BatchNormalization", layer.name, x, *(usual | _arrays(caller, layer)).values(), epsilon=layer.epsilon
    )


def _activation(caller, graph, layer, x):
    return write_activation(caller, graph, layer.name, layer.activation, x)


def _dropout(caller, graph, layer, x):
    return x


def _flatten(caller, graph, layer, x):
    x = graph.arranged(x, *axes_of(len(x.axes), "features" not in x.axes))
    return Value(graph.apply("Flatten", layer.name, x, axis=1).name, ("batch", "features"))


def _repeat_vector(caller, graph, layer, x):
    x = graph.apply("Unsqueeze", f"{layer.name}/step", x, np.array([1]))
    x = graph.apply("Expand", layer.name, x, np.array([1, layer.n, 1]))
    return Value(x.name, ("batch", "steps", "features"))


def _time_distributed(caller, graph, layer, x):
    if type(layer.layer) not in (Dense, Activation, Dropout, Embedding):
        kind = type(layer.layer).__name__
        raise InputError(f"{caller}: {LIBRARY} has no counterpart of the layer {layer.name} ({kind} at each step)")
    return write_layer(caller, graph, layer.layer, x, [])


def _names(model, inputs, outputs):
    """Name the inputs and outputs of a model: those of one of each have the same names in every model."""
    read = ["inputs"] if inputs == 1 else model.input_names
    written = model.output_names if len(model.output_names) == outputs else [model.layers[-1].name] * outputs
    return free_names([*read, *(["outputs"] if outputs == 1 else written)])


def _shapes(shape):
    """List the shapes of inputs or outputs, which may be nested."""
    alone = all(size is None or isinstance(size, int) for size in shape)
    return [shape] if alone else [leaf for part in shape for leaf in _shapes(part)]


LAYERS: dict[type, Callable[..., Value | list[Value]]] = {
    Activation: _activation,
    Add: _merge("Sum"),
    Average: _merge("Mean"),
    BatchNormalization: _batch_normalization,
    Bidirectional: _both_directions,
    Concatenate: _concatenate,
    Dense: _dense,
    Dropout: _dropout,
    Embedding: _embedding,
    Flatten: _flatten,
    GRU: _recurrent,
    LSTM: _recurrent,
    Multiply: _multiply,
    RNN: _recurrent,
    RepeatVector: _repeat_vector,
    SimpleRNN: _recurrent,
    TimeDistributed: _time_distributed,
}
