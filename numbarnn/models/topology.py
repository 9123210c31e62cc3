"""From outputs of layers back to inputs: the calls between them, sorted as Keras sorts them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..errors import InputError
from ..layers.base import Input, Layer
from ..layers.graph import Call, Graph, numbered, sorted_calls
from ..layers.symbolic import Node, Output, shape_of
from ..utils.tree import tree_leaves, tree_lists, tree_map


class Topology(NamedTuple):
    """The layers of a model in the order of Keras, the shape of what each reads first, and their calls."""

    layers: list[Layer]
    shapes: list[Any]
    graph: Graph


def topology(caller: str, inputs: list[Input], outputs: Any) -> Topology:
    """Find what computes outputs (nested lists) of inputs, or raise `InputError`.

    A call comes the earlier, the more calls there are between it and an output; among equals that which is met first on
    the way back from the outputs. A layer stands where its first call stands, so weights are in the order of Keras.
    """
    nodes, met = _back_from(output.node for output in tree_leaves(outputs))
    _check_inputs(caller, nodes, inputs)
    depths = _depths(nodes)
    nodes = sorted(nodes, key=lambda node: -depths[node])
    deepest = {node.layer: depths[node] for node in reversed(nodes)}
    layers = sorted(met, key=lambda layer: -deepest[layer])
    _check_layers(caller, layers, nodes)
    first = {node.layer: tree_map(shape_of, node.inputs) for node in reversed(nodes)}
    return Topology(layers, [first[layer] for layer in layers], _graph(nodes, inputs, outputs))


def check_features(caller: str, graph: Graph, inputs: list[Input]) -> None:
    """Raise `InputError` if a built layer with weights is called on another number of features than it has weights."""
    shapes = dict(enumerate(shape_of(each) for each in inputs))
    for call in graph.calls:
        layer, read = call.layer, tree_map(shapes.__getitem__, call.inputs)
        shapes |= zip(tree_leaves(call.outputs), _leaves(layer.compute_output_shape(read)), strict=True)
        if layer.weights and not layer.takes_integers and read[-1] != layer._built_for[-1]:
            raise InputError(
                f"{caller}: {layer.name}: expected inputs of {layer._built_for[-1]} features, of which it has weights, "
                f"got shape {read}"
            )


def called(graph: Graph, inputs: Any) -> Any:
    """Call the layers of a graph on what stands for its inputs; return what stands for its outputs."""
    values = dict(zip(tree_leaves(graph.inputs), tree_leaves(inputs), strict=True))
    for call in graph.calls:
        states = tree_map(values.__getitem__, call.states)
        output = call.layer(tree_map(values.__getitem__, call.inputs), **({"initial_state": states} if states else {}))
        values |= zip(tree_leaves(call.outputs), tree_leaves(output), strict=True)
    return tree_lists(tree_map(values.__getitem__, graph.outputs))


def _leaves(shapes):
    """List the shapes in a nested list of shapes."""
    if all(n is None or isinstance(n, int) for n in shapes):
        return [shapes]
    return [leaf for shape in shapes for leaf in _leaves(shape)]


def _back_from(ends: Iterable[Node]) -> tuple[list[Node], list[Layer]]:
    """Return nodes, each behind those that it reads, and the layers in the order in which they are met."""
    nodes, seen, layers = [], set(), {}
    left = [(node, False) for node in reversed([*ends])]
    while left:
        node, finished = left.pop()
        if finished:
            nodes.append(node)
        elif node not in seen:
            seen.add(node)
            layers.setdefault(node.layer)
            before = [part.node for part in node.read if isinstance(part, Output)]
            left += [(node, True), *((other, False) for other in reversed(before))]
    return nodes, list(layers)


def _depths(nodes):
    """Count the calls between each node and the last output that it leads to, by Keras' rule for layers used twice."""
    depths, of_layers = {}, {}
    for node in reversed(nodes):
        depth = max(depths.get(node, 0), of_layers.get(node.layer, 0))
        depths[node] = of_layers[node.layer] = depth
        for part in node.read:
            if isinstance(part, Output):
                depths[part.node] = max(depth + 1, depths.get(part.node, 0))
    return depths


def _graph(nodes, inputs, outputs):
    """Give each array a place."""
    places: dict[Any, int] = {each: place for place, each in enumerate(inputs)}
    calls, free, at = [], len(inputs), {}

    def place(part):
        return at[part.node][part.index] if isinstance(part, Output) else places[part]

    for node in nodes:
        shapes = node.layer.compute_output_shape(tree_map(shape_of, node.inputs))
        written, free = numbered(_tree(shapes), free)
        at[node] = tree_leaves(written)
        calls.append(Call(node.layer, tree_map(place, node.inputs), written, tree_map(place, node.states)))
    return sorted_calls(calls, tuple(range(len(inputs))) if len(inputs) > 1 else 0, tree_map(place, outputs))


def _tree(shapes):
    """Return a leaf for each shape in a nested list."""
    return 0 if all(n is None or isinstance(n, int) for n in shapes) else tuple(map(_tree, shapes))


def _check_inputs(caller, nodes, inputs):
    """Raise `InputError` unless the calls read these inputs, all of them, and no others."""
    read = {part: node.layer for node in nodes for part in node.read if isinstance(part, Input)}
    for each, layer in read.items():
        if each not in inputs:
            raise InputError(
                f"{caller}: expected inputs with every Input that the outputs come from; {layer.name} reads "
                f"{each!r}, which is not among them"
            )
    for each in inputs:
        if each not in read:
            raise InputError(f"{caller}: expected outputs that come from all inputs, got none that {each!r} leads to")


def _check_layers(caller, layers, nodes):
    """Raise `InputError` for layers that a model cannot have."""
    for layer in layers:
        if not layer.has_one_output and layer.activity_regularizer is not None:
            raise InputError(f"{caller}: expected no activity_regularizer of several outputs, got {layer!r}")
        if layer.stateful and sum(node.layer is layer for node in nodes) > 1:
            raise InputError(f"{caller}: expected a stateful layer to be called once, got {layer.name}, called again")
