"""Calls of layers on what stands for arrays: how a model of several inputs, outputs or branches is written down."""

from dataclasses import dataclass
from itertools import count
from typing import Any

from ..errors import InputError
from ..utils.tree import tree_leaves, tree_map
from ..utils.types import Shape


@dataclass(frozen=True, eq=False)
class Node:
    """A call of a layer. Since it is made of outputs that exist already, calls have no cycle.

    Attributes
    ----------
    layer : Layer
        The layer.
    inputs : Input, Output, or tuple of these
        What it is called on; a tuple for a layer that merges several.
    states : tuple
        Its initial states, nested as the layer takes them; empty if none are given.
    """

    layer: Any
    inputs: Any
    states: Any = ()

    @property
    def read(self) -> list[Any]:
        """All that it is called on, `Input` and `Output`."""
        return tree_leaves([self.inputs, self.states])


@dataclass(frozen=True, eq=False)
class Output:
    """An output of a layer that was called on an `Input`, or on the output of another layer; it has no numbers.

    Attributes
    ----------
    node : Node
        The call.
    index : int
        Which of its outputs this is.
    shape : tuple of int or None
        The shape of the numbers that it stands for, which starts with the batch; None if a size is free.
    """

    node: Node
    index: int
    shape: Shape

    def __iter__(self):
        raise InputError(
            f"{self.node.layer.name}: expected an array of several outputs to unpack, got one output; with "
            "return_state=True a recurrent layer has several"
        )

    def __repr__(self):
        names, at = [], self
        while isinstance(at, Output):
            names.insert(0, at.node.layer.name)
            at = at.node.read[0]
        return f"Output({' -> '.join([at.name, *names])})"


def call(layer: Any, x: Any, initial_state: Any = None, **others: Any) -> Any:
    """Call a layer on what stands for arrays; return an `Output`, or a list of them, nested as its outputs."""
    for name, value in others.items():
        layer._expect(value is None, f"no {name} in a symbolic call, where it has no effect", repr(value))
    layer._expect(isinstance(x, list | tuple) == layer.takes_several, _expected_inputs(layer), repr(x))
    inputs = tuple(x) if layer.takes_several else x
    for part in tree_leaves([inputs]):
        layer._expect(is_symbolic(part), "an Input or outputs of layers alone", repr(part))
    states = () if initial_state is None else _states(layer, initial_state)
    shapes = layer.compute_output_shape(tree_map(shape_of, inputs))
    return _outputs(Node(layer, inputs, states), shapes, count())


def is_symbolic(x: Any) -> bool:
    """Say whether this is an `Input` or an `Output`."""
    return hasattr(x, "stands_for_array") or isinstance(x, Output)


def any_symbolic(x: Any) -> bool:
    """Say whether this is an `Input` or an `Output`, or a list with one in it."""
    return any(map(any_symbolic, x)) if isinstance(x, list | tuple) else is_symbolic(x)


def shape_of(x: Any) -> Shape:
    """Return the shape of the array that an `Input` or `Output` stands for."""
    return x.shape if isinstance(x, Output) else (None, *x.shape)


def _expected_inputs(layer):
    return "a list of inputs" if layer.takes_several else "one input"


def _states(layer, given):
    """Return initial states, nested as the layer takes them."""
    given = tree_leaves(given if isinstance(given, list | tuple) else [given])
    sizes = layer.state_sizes
    layer._expect(sizes, "no initial_state, as it has no states", repr(given))
    layer._expect(not layer.stateful, "no initial_state of a stateful layer", repr(given))
    layer._expect(all(map(is_symbolic, given)), "an initial_state of an Input or outputs of layers", repr(given))
    expected, got = [(None, size) for size in tree_leaves(sizes)], [shape_of(state) for state in given]
    fit = len(expected) == len(got) and all(len(s) == 2 and s[1] == n for s, (_, n) in zip(got, expected, strict=True))
    layer._expect(fit, f"an initial_state of shapes {expected}", got)
    states = iter(given)
    return tuple(tree_map(lambda size: next(states), sizes))


def _outputs(node, shapes, index):
    """Make an `Output` for each shape in a nested list."""
    if all(n is None or isinstance(n, int) for n in shapes):
        return Output(node, next(index), tuple(shapes))
    return [_outputs(node, shape, index) for shape in shapes]
