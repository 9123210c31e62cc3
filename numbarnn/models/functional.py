"""Keras' functional way to write a model: `Model(inputs, outputs)`."""

from collections.abc import Iterable
from typing import Any

from numpy.typing import DTypeLike

from ..errors import InputError
from ..layers.base import Input, Layer
from ..layers.graph import Graph, is_chain, read_by
from ..layers.symbolic import Output
from ..utils.columns import Columns, by_name
from ..utils.config import decoded
from ..utils.tree import tree_leaves, tree_lists
from .inputs import fitted, numbers_of
from .network import Network
from .saving import described_calls
from .topology import called, check_features, topology


class Model(Network):
    """The layers between inputs and outputs: a chain, or a small graph.

    A layer is called on an `Input` or on what other layers returned: ``x = Input((28, 28)); model = Model(x,
    Dense(10)(SimpleRNN(150)(x)))``. `Concatenate`, `Add`, `Multiply` and `Average` make one array of several. A
    recurrent layer with ``return_state=True`` returns its output and its states, and another takes them as
    ``initial_state``. A layer that is called twice has its weights once. Layers of another model may be used again:
    both then have the same weights.

    Parameters
    ----------
    inputs : Input, or list of Input
        What the model reads.
    outputs : Output, or list of Output
        What layers return that are called on these, one on the other.
    seed : int
        Decides everything random (initial weights, shuffling, dropout), as in `Sequential`.
    dtype : {"float32", "float64"}
        Of all parameters and outputs.
    device : str
        The engine of the recurrent layers, see `nr.forward`.
    name : str
        The model's name in summaries and errors.

    Attributes
    ----------
    params : dict of {"layer/parameter": ndarray}
        The trainable arrays that the layers compute with.
    weights : dict of {"layer/weight": ndarray}
        Those and the non-trainable ones, such as moving averages, layer by layer.
    inputs : list of Input
        What the model reads.
    input_names, output_names : list of str
        The names by which data may be given: those of the inputs, and those of the layers that give the outputs.

    Raises
    ------
    InputError
        If outputs do not come from the inputs, or layers or options do not fit.

    Notes
    -----
    With several inputs or outputs, ``x``, ``y`` and ``sample_weight`` are lists in their order, or dictionaries by
    name. Layers, and so weights, are in the order of Keras 3, in which an `Input` is a layer, too.
    """

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        *,
        seed: int = 0,
        dtype: DTypeLike = "float32",
        device: str = "cpu",
        name: str = "model",
    ) -> None:
        super().__init__(seed=seed, dtype=dtype, device=device, name=name)
        inputs, outputs = tree_lists(inputs), tree_lists(outputs)
        self.inputs = _checked_inputs(inputs)
        alone = isinstance(outputs, list) and len(outputs) == 1 and isinstance(outputs[0], Output)
        outputs = outputs[0] if alone else outputs
        _check_outputs(outputs)
        self.layers, shapes, self._sorted = topology(type(self).__name__, self.inputs, outputs)
        self._name_layers()
        self._reads_integers = [self._kind_of(each) for each in range(len(self.inputs))]
        for layer, shape in zip(self.layers, shapes, strict=True):
            self._take_in(layer, shape)
        check_features(name, self._sorted, self.inputs)
        shapes = [(None, *each.shape) for each in self.inputs]
        self.input_shape = shapes if len(shapes) > 1 else shapes[0]
        self.input_names = free_names(each.name for each in self.inputs)
        self.output_names = free_names(output.node.layer.name for output in tree_leaves(outputs))
        self.output_shape = _shapes(outputs)

    @property
    def built(self) -> bool:
        """Whether the parameters exist: from the start."""
        return True

    @property
    def input(self) -> Any:
        """What the model reads, an `Input` or a list of them."""
        return self.inputs if len(self.inputs) > 1 else self.inputs[0]

    @property
    def output(self) -> Any:
        """What stands for the outputs, for layers to be called on; nested as ``output_shape``."""
        return called(self.graph, self.inputs)

    @property
    def outputs(self) -> list[Output]:
        """All outputs in one list."""
        return tree_leaves(self.output)

    def connections(self) -> dict[str, list[str]]:
        calls = self.graph.calls
        if is_chain(self.graph):
            return {}
        sources, read = dict(enumerate(self.input_names)), {layer.name: [] for layer in self.layers}
        for call in calls:
            read[call.layer.name] += [sources[place] for place in read_by(call)]
            places = tree_leaves(call.outputs)
            names = [call.layer.name] if len(places) == 1 else [f"{call.layer.name}[{i}]" for i in range(len(places))]
            sources |= zip(places, names, strict=True)
        return read

    def described_calls(self) -> dict[str, Any]:
        return described_calls(self.inputs, self.layers, self.graph)

    @classmethod
    def _of_layers(cls, layers, config, custom_objects, **options):
        """Call the layers again, as they were called."""
        inputs = [*decoded(config["inputs"], custom_objects)]
        values = dict(enumerate(inputs))
        for number, read, written, states in config["calls"]:
            given = {"initial_state": _at(values, states)} if states else {}
            output = layers[number](_at(values, read), **given)
            values |= zip(tree_leaves(written), tree_leaves(output), strict=True)
        return cls(inputs, _at(values, config["outputs"]), **options)

    def _sorted_calls(self) -> Graph:
        return self._sorted

    def _name_layers(self):
        """Give new layers names that no other layer here has."""
        used = [layer for layer in self.layers if layer.built]
        names = [layer.name for layer in used]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InputError(f"{self.name}: expected layers of different names, got two in use called {twice!r}")
        layers, self.layers = self.layers, used
        for layer in layers:
            if not layer.built:
                layer.name = self._free_name(layer)
                self.layers = [*self.layers, layer]
        self.layers = layers

    def _take_in(self, layer: Layer, shape: Any):
        """Build a layer, or check one of another model, and list its weights."""
        if layer.built:
            for option, own in (("dtype", self.dtype), ("device", self.device)):
                if getattr(layer, option) != own and (layer.weights or option == "device"):
                    other = f"{option} {getattr(layer, option)!s}, that of {layer.name}, which is in use"
                    raise InputError(f"{self.name}: expected the {other}, got {own!s}")
        else:
            layer.device = self.device
            layer.build(shape, self._weights_rng, self.dtype)
        self._list(layer)

    def _kind_of(self, place):
        """Return whether the layers that read an input take integers."""
        kinds = {call.layer.takes_integers: call.layer for call in self.graph.calls if place in read_by(call)}
        if len(kinds) > 1:
            tokens, numbers = kinds[True].name, kinds[False].name
            raise InputError(
                f"{self.name}: expected layers that all read {self.inputs[place]!r} as integers or all as numbers, got "
                f"{tokens}, which takes integers, and {numbers}"
            )
        return next(iter(kinds))

    def _inputs(self, x):
        """Return inputs as arrays or `Padded` that the layers take; several as `Columns`."""
        several = len(self.inputs) > 1
        parts = by_name(self.name, "inputs", self.input_names, x) if several or isinstance(x, dict) else [x]
        shapes = self.input_shape if several else [self.input_shape]
        found = []
        for name, part, shape, integers in zip(self.input_names, parts, shapes, self._reads_integers, strict=True):
            what = f"inputs {name}" if several else "inputs"
            if part is None:
                raise InputError(f"{self.name}: expected {what}, got none")
            given = numbers_of(self.name, what, part, integers)
            found.append(fitted(self.name, what, given, shape, None if integers else self.dtype))
            if len(found[-1]) != len(found[0]):
                first = f"{self.input_names[0]}, {len(found[0])}"
                raise InputError(f"{self.name}: expected {what} with as many rows as {first}, got {len(found[-1])}")
        return Columns(found) if several else found[0]


def _at(values, places):
    """Return what stands at places, nested likewise; each call reads what calls before it have written."""
    if isinstance(places, list):
        return [_at(values, place) for place in places]
    if places not in values:
        raise InputError(f"its calls have a cycle, or read what is not there: place {places!r:.20}")
    return values[places]


def free_names(names: Iterable[str]) -> list[str]:
    """Return names, with a number behind those that are taken."""
    found: list[str] = []
    for name in names:
        free, number = name, 0
        while free in found:
            number += 1
            free = f"{name}_{number}"
        found.append(free)
    return found


def _checked_inputs(inputs: Any) -> list[Input]:
    """Return the inputs of a model as a list."""
    found = inputs if isinstance(inputs, list) else [inputs]
    wrong = next((each for each in found if not isinstance(each, Input)), None)
    if wrong is not None or not found:
        expected = "inputs to be an Input" + (", or a list of them" if isinstance(inputs, list) else "")
        raise InputError(f"Model: expected {expected}, got {repr(wrong) if found else 'none'}")
    if len({*map(id, found)}) < len(found):
        raise InputError("Model: expected each Input once among inputs, got one twice")
    return found


def _check_outputs(outputs: Any) -> None:
    """Raise `InputError` unless these are outputs of layers."""
    leaves = tree_leaves(outputs)
    wrong = next((each for each in leaves if not isinstance(each, Output)), None)
    if wrong is not None or not leaves:
        got = repr(wrong) if leaves else "none"
        raise InputError(f"Model: expected outputs of layers that were called on an Input, got {got}")


def _shapes(outputs: Any) -> Any:
    """Return the shapes of outputs, nested likewise."""
    return [_shapes(output) for output in outputs] if isinstance(outputs, list) else outputs.shape
