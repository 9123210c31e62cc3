"""A network as a list of calls of layers, sorted so that each call finds what it reads.

What calls read and write has places, counted from 0. A chain is the simplest case: call i reads place i and writes
place i + 1. Where a call has several inputs, outputs or states, their places stand in a tuple, which may be nested.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from ..errors import InputError
from ..utils.tree import tree_leaves, tree_map
from .base import Layer
from .embedding import Embedding
from .stateless import is_recurrent, remembering, returning_states, with_fixed_params

# the place of an array, or a tuple of these, which may be nested
Places = Any


class Call(NamedTuple):
    """A call of a layer."""

    layer: Layer
    inputs: Places
    outputs: Places
    # of the initial states, as the layer takes them; none: zeros, or what a stateful layer remembers
    states: Places = ()
    # whether an embedding leaves its look-up to the recurrent layer that alone reads it
    deferred: bool = False
    # whether an output of the network is among its own
    ends: bool = False
    # places that nothing reads behind this call
    done: tuple[int, ...] = ()


class Graph(NamedTuple):
    """Calls, the latest at the end, and the places of what the network takes and returns."""

    calls: tuple[Call, ...]
    inputs: Places
    outputs: Places
    # number of places
    size: int
    # the layer behind each output, if nothing else reads it: a loss may start in front of its activation
    last: tuple[Layer | None, ...]
    # for each recurrent layer those of its initial and final states, if the network takes and returns them
    initial: Places = ()
    final: Places = ()


def sorted_calls(calls: Iterable[Call], inputs: Places, outputs: Places, initial: Places = (), final: Places = ()):
    """Make a `Graph` of calls that are in order: note what is read last where, and which look-ups are deferred."""
    calls, kept = list(calls), {*tree_leaves(outputs), *tree_leaves(final)}
    readers = Counter(place for call in calls for place in read_by(call))
    of_rows = {call.inputs for call in calls if call.layer.reads_rows and isinstance(call.inputs, int)}
    planned, later = [], set(kept)
    for call in reversed(calls):
        touched = {*read_by(call), *tree_leaves(call.outputs)}
        alone = call.outputs in of_rows and call.outputs not in kept and readers[call.outputs] == 1
        deferred = isinstance(call.layer, Embedding) and not call.layer.activity_regularizer and alone
        ends = not kept.isdisjoint(tree_leaves(call.outputs))
        planned.insert(0, call._replace(deferred=deferred, ends=ends, done=tuple(sorted(touched - later))))
        later |= touched
    alone = {call.outputs: call.layer for call in calls if isinstance(call.outputs, int)}
    ends = Counter(tree_leaves(outputs))
    last = tuple(alone.get(p) if ends[p] == 1 and p not in readers else None for p in tree_leaves(outputs))
    size = 1 + max(tree_leaves([inputs, outputs, initial, [(call.inputs, call.outputs) for call in calls]]))
    return Graph(tuple(planned), inputs, outputs, size, last, initial, final)


def read_by(call: Call) -> list[int]:
    """List the places that a call reads."""
    return tree_leaves([call.inputs, call.states])


def chain(layers: Iterable[Layer]) -> Graph:
    """Make a `Graph` of built layers that follow each other; the last may have several outputs."""
    calls, place = [], 0
    for layer in layers:
        outputs, following = numbered(structure(layer), place + 1)
        calls.append(Call(layer, place, outputs))
        place = following - 1
    return sorted_calls(calls, 0, calls[-1].outputs if calls else 0)


def structure(layer: Layer) -> Any:
    """Return a leaf for each output of a built layer, nested as the layer returns them."""
    nested = lambda shape: 0 if all(n is None or isinstance(n, int) for n in shape) else tuple(map(nested, shape))  # noqa: E731
    return 0 if layer.has_one_output else nested(layer.output_shape)


def numbered(tree: Any, start: int) -> tuple[Places, int]:
    """Return places from `start` on for the leaves of a tree, nested likewise, and the next free place."""
    count = len(tree_leaves(tree))
    places = iter(range(start, start + count))
    return tree_map(lambda _: next(places), tree), start + count


def with_states(graph: Graph) -> Graph:
    """Return a graph that takes and returns the states of its recurrent layers and lets none remember any."""
    calls, initial, final, free = [], [], [], graph.size
    for call in graph.calls:
        if is_recurrent(call.layer) and not call.states:
            before, free = numbered(call.layer.state_sizes, free)
            outputs, after = call.outputs, ()
            if call.layer.return_state:
                after = outputs[-len(before) :]
            else:
                after, free = numbered(call.layer.state_sizes, free)
                outputs = (*(outputs if isinstance(outputs, tuple) else (outputs,)), *after)
            call = call._replace(layer=returning_states(call.layer), outputs=outputs, states=before)
            initial.append(before)
            final.append(after)
        calls.append(call)
    return sorted_calls(calls, graph.inputs, graph.outputs, tuple(initial), tuple(final))


def going_on(graph: Graph, states: Iterable | None = None) -> Graph:
    """Return a graph whose recurrent layers start from states, zeros by default, and remember their own, whatever the
    layers of the model remember; `states` has a list for each of them, h first."""
    initial = iter(states or ())
    calls = [
        call._replace(layer=remembering(call.layer, next(initial, None))) if is_recurrent(call.layer) else call
        for call in graph.calls
    ]
    return graph._replace(calls=tuple(calls))


def for_prediction(graph: Graph) -> Graph:
    """Return a graph for prediction alone, with a copy of the weights, which recurrent layers pack once."""
    layers = {call.layer: with_fixed_params(call.layer) for call in graph.calls}
    return graph._replace(calls=tuple(call._replace(layer=layers[call.layer]) for call in graph.calls))


def reads_integers(graph: Graph) -> bool:
    """Say whether a network of one input takes integers."""
    return any(call.layer.takes_integers for call in graph.calls if call.inputs == graph.inputs)


def is_chain(graph: Graph) -> bool:
    """Say whether each call reads the output of the call before, the last one ends, and no layer is called twice."""
    written = [graph.inputs, *(call.outputs for call in graph.calls)]
    followed = [*(call.inputs for call in graph.calls), graph.outputs] == written
    once = len({call.layer for call in graph.calls}) == len(graph.calls)
    return isinstance(graph.inputs, int) and followed and once and not any(call.states for call in graph.calls)


def check_single(caller: str, graph: Graph) -> None:
    """Raise `InputError` unless a network has one input and one output, and no layer hands its states to another."""
    for what, places in (("input", graph.inputs), ("output", graph.outputs)):
        if not isinstance(places, int):
            raise InputError(f"{caller}: expected a model of one {what}, got one of {len(tree_leaves(places))}")
    handed = next((call.layer.name for call in graph.calls if call.states), None)
    if handed is not None:
        raise InputError(f"{caller}: expected layers that start from zero states, got {handed} with an initial_state")


def joined(first: Graph, second: Graph) -> Graph:
    """Return a graph of both, with the final states of the first as the initial ones of the second."""
    shift = lambda places: tree_map(lambda place: place + first.size, places)  # noqa: E731
    handed = dict(zip(tree_leaves(shift(second.initial)), tree_leaves(first.final), strict=True))
    moved = [
        call._replace(
            inputs=shift(call.inputs),
            outputs=shift(call.outputs),
            states=tree_map(lambda place: handed.get(place, place), shift(call.states)),
        )
        for call in second.calls
    ]
    return sorted_calls([*first.calls, *moved], (first.inputs, shift(second.inputs)), shift(second.outputs))
