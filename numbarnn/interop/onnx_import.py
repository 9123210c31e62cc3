"""Nodes of ONNX as layers: a chain of nodes is read one after another, with names for the axes of what goes through.

Names tell what a Transpose, Reshape or Squeeze between two layers is for, which has no layer of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

import numpy as np

from ..cells import Cell
from ..errors import InputError
from ..layers import (
    RNN,
    Activation,
    BatchNormalization,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    Layer,
    RepeatVector,
)
from ..models.sequential import Sequential
from ..utils.types import Arrays
from .convert import cell_in
from .layouts import listed, numbers
from .models import load, pieces
from .onnx_activations import CLIPS, OF_ROWS, OPERATORS, OPERATORS_WITH, from_operator, shortest
from .onnx_cells import LIBRARY, NAMES, OF_NODES, cells_of_node
from .onnx_export import MERGES, axes_of
from .onnx_files import Node, ReadGraph

Axes: TypeAlias = tuple[str, ...]
LAYOUTS: dict[int, tuple[Axes, Axes, Axes]] = {  # of a recurrent node: its inputs, outputs Y, and last outputs Y_h
    0: (
        ("steps", "batch", "features"),
        ("steps", "directions", "batch", "features"),
        ("directions", "batch", "features"),
    ),
    1: (
        ("batch", "steps", "features"),
        ("batch", "steps", "directions", "features"),
        ("batch", "directions", "features"),
    ),
}
PLACES = {"Add": (0, 1), "Gather": (1,)}  # of the input that goes through the chain; 0 in other nodes
GIVEN = "sequence_lens", "initial_h", "initial_c"


@dataclass
class Draft:
    """A layer to be made: its class and options, and ONNX' arrays of each of its pieces."""

    kind: type[Layer]
    options: dict[str, Any]
    place: str
    arrays: list[Arrays] = field(default_factory=list)

    @property
    def width(self) -> int | None:
        """The number of features that go in, where the weights say it."""
        axes = {"W": -1, "kernel": 0, "scale": 0}
        widths = (own[name].shape[axis] for own in self.arrays for name, axis in axes.items() if name in own)
        return next(widths, None)

    def layer(self, caller: str) -> Layer:
        return self.kind(**self.options)


@dataclass
class RecurrentDraft(Draft):
    """A recurrent layer to be made; what is done to the outputs of its node says how."""

    cells: list[Cell] = field(default_factory=list)
    direction: str = "forward"
    merge_mode: str = "concat"
    return_sequences: bool = True
    flipped: set[str] = field(default_factory=set)

    def layer(self, caller: str) -> Layer:
        turned = {"steps"} if self.return_sequences else set()
        options: dict[str, Any] = {"return_sequences": self.return_sequences}
        if self.direction != "bidirectional":
            backwards = self.direction == "reverse"
            self._expect_flipped(caller, [turned if backwards else set()])
            return RNN(self.cells[0], go_backwards=backwards, **options)
        self._expect_flipped(caller, [set(), turned | {"directions"}])
        first, second = RNN(self.cells[0], **options), RNN(self.cells[1], go_backwards=True, **options)
        if self.flipped:
            self.arrays.reverse()
            first, second = second, first
        return Bidirectional(first, self.merge_mode, backward_layer=second)

    def _expect_flipped(self, caller, possible):
        if self.flipped not in possible:
            said = [" and ".join(sorted(axes)) or "nothing" for axes in possible]
            expected = f"{' or '.join(said)} turned round behind, as a layer of that direction does"
            raise InputError(f"{caller}: expected {expected}, got {listed(self.flipped)}{self.place}")


class Chain:
    """A chain of nodes that is being read.

    Attributes
    ----------
    live : dict of {str: tuple of str}
        The outputs of the last node, with the names of their axes: the next node takes one of them.
    drafts : list of Draft
        The layers so far.
    """

    def __init__(self, caller: str, graph: ReadGraph) -> None:
        self.caller, self.graph = caller, graph
        self.live: dict[str, Axes] = {}
        self.drafts: list[Draft] = []

    def read(self, device: str) -> Sequential:
        """Read the whole graph, and return the model."""
        shape, dtype = self._start()
        for node in self.graph.nodes:
            self._read_node(node)
        output = self._only("output", self.graph.outputs)
        axes = self.live.get(output)
        if axes is None or axes != axes_of(len(axes)) or not self.drafts:
            expected = "an output (batch, ..., features) of the last of the nodes"
            raise InputError(f"{self.caller}: expected {expected}, got {output} ({', '.join(axes or ('unknown',))})")
        arrays = [array for draft in self.drafts for own in draft.arrays for array in own.values()]
        layers = [draft.layer(self.caller) for draft in self.drafts]
        self._check_widths(shape, layers)
        dtype = dtype or (arrays[0].dtype if arrays else np.dtype("float32"))
        model = Sequential([Input(shape[1:]), *layers], dtype=dtype, device=device, name=self.graph.name)
        found = [(own, draft.place) for draft in self.drafts for own in draft.arrays]
        held = pieces(self.caller, LIBRARY, model)
        pairs = [(piece, own) for piece, (own, _) in zip(held, found, strict=True)]
        load(self.caller, LIBRARY, model, pairs, [place for _, place in found])
        return model

    def fail(self, node: Node, expected: str, got: str) -> NoReturn:
        raise InputError(f"{self.caller}: expected {expected}, got {got}{node.place}")

    def _start(self):
        """Return the shape of the input, and its dtype or None for integers."""
        name = self._only("input", self.graph.inputs)
        dtype, shape = self.graph.inputs[name]
        if dtype not in ("float32", "float64", "int32", "int64") or not shape:
            got = f"{dtype} of shape {shape} for {name}"
            raise InputError(f"{self.caller}: expected float32, float64, int32 or int64 of a known rank, got {got}")
        self.live = {name: axes_of(len(shape), takes_integers=dtype.kind == "i")}
        return shape, None if dtype.kind == "i" else dtype

    def _check_widths(self, shape, layers):
        """Raise `InputError` unless each layer gets as many features as it has weights for, before any are drawn."""
        for draft, layer in zip(self.drafts, layers, strict=True):
            if draft.width not in (None, shape[-1]):
                expected = f"{draft.width} features, as the weights{draft.place} have them"
                raise InputError(f"{self.caller}: expected {expected}, got inputs of shape {shape}")
            shape = layer.compute_output_shape(shape)

    def _only(self, what, names):
        if len(names) != 1:
            raise InputError(f"{self.caller}: expected a model with one {what}, got {listed(names)}")
        return next(iter(names))

    def _read_node(self, node):
        if node.kind not in NODES:
            raise InputError(f"{self.caller}: no counterpart{node.place}")
        taken = [name for name in node.inputs if name in self.live]
        unknown = [name for name in node.inputs if name and name not in self.live and name not in self.graph.constants]
        if len(taken) != 1 or unknown:
            got = f"{', '.join([*taken, *unknown]) or 'constants alone'} as inputs"
            self.fail(node, "a chain: one output of the node before, and constants", got)
        if node.inputs.index(taken[0]) not in PLACES.get(node.kind, (0,)):
            self.fail(node, "a constant behind what goes through the chain", f"{taken[0]} behind it")
        axes = self.live[taken[0]]
        if "directions" in axes:
            self.recurrent(node).return_sequences = "steps" in axes
        NODES[node.kind](self, node, axes)

    def at(self, node: Node, place: int) -> np.ndarray | None:
        """Return a constant input of a node; None if it is not given."""
        name = node.inputs[place] if place < len(node.inputs) else ""
        return self.graph.constants[name] if name else None

    def goes_on(self, node: Node, axes: Axes) -> None:
        """Set the output of the node as what the next one takes."""
        self.live = {node.outputs[0]: axes}

    def add(self, node: Node, kind: type[Layer], axes: Axes, *arrays: Arrays, **options: Any) -> None:
        """Add a layer, whose output has these axes."""
        self.drafts.append(Draft(kind, options, node.place, list(arrays)))
        self.goes_on(node, axes)

    def names(self, node: Node, axes: Axes, places: Any) -> list[str]:
        """Return the names of axes."""
        where = np.ravel(np.asarray([] if places is None else places)).tolist()
        if not all(isinstance(i, int) and -len(axes) <= i < len(axes) for i in where):
            self.fail(node, f"axes of {len(axes)}", f"{where}")
        return [axes[i] for i in where]

    def recurrent(self, node: Node) -> RecurrentDraft:
        """Return the last layer, whose outputs the node rearranges."""
        draft = self.drafts[-1] if self.drafts else None
        if not isinstance(draft, RecurrentDraft):
            self.fail(node, "a node RNN, LSTM or GRU before", draft.kind.__name__ if draft else "none")
        return draft


def _recurrent(chain, node, axes):
    attributes = node.attributes
    needed, *outputs = LAYOUTS[attributes.get("layout", 0)]
    if axes != needed:
        chain.fail(node, f"inputs ({', '.join(needed)})", f"({', '.join(axes)})")
    for place, name in enumerate(NAMES, 1):
        given = chain.at(node, place) if name in GIVEN else None
        if given is not None and (name == "sequence_lens" or given.any()):
            chain.fail(node, "all steps from states of zeros", name)
    found = cells_of_node(chain.caller, chain.graph.constants, node)
    for row, cell, own in found:  # before a layer draws weights of this size
        cell_in(chain.caller, row, cell, own, node.place)
    cells, arrays = [cell for _, cell, _ in found], [own for _, _, own in found]
    direction = attributes.get("direction", "forward")
    chain.drafts.append(RecurrentDraft(RNN, {}, node.place, arrays, cells=cells, direction=direction))
    chain.live = {name: axes for name, axes in zip(node.outputs, outputs, strict=False) if name}


def _transpose(chain, node, axes):
    order = node.attributes.get("perm", range(len(axes))[::-1])
    arranged = tuple(chain.names(node, axes, order))
    if sorted(arranged) != sorted(axes):
        chain.fail(node, f"an order of {len(axes)} axes", f"{order}")
    chain.goes_on(node, arranged)


def _squeeze(chain, node, axes):
    """Leave out the only direction."""
    left = chain.names(node, axes, chain.at(node, 1))
    if left != ["directions"] or chain.recurrent(node).direction == "bidirectional":
        chain.fail(node, "the axis of one direction to be left out", listed(left))
    chain.goes_on(node, tuple(axis for axis in axes if axis != "directions"))


def _reshape(chain, node, axes):
    """Put the outputs of all directions side by side."""
    shape, draft = np.ravel(chain.at(node, 1)), chain.recurrent(node)
    width = sum(cell.units for cell in draft.cells)
    side_by_side = [*[0] * (len(axes) - 2), -1], [*[0] * (len(axes) - 2), width]
    if axes[-2:] != ("directions", "features") or shape.tolist() not in side_by_side:
        chain.fail(node, f"both directions side by side, {side_by_side[0]}", f"{shape} of ({', '.join(axes)})")
    chain.goes_on(node, (*axes[:-2], "features"))


def _reduce(chain, node, axes):
    """Merge the outputs of both directions."""
    attributes = node.attributes
    merged = chain.names(node, axes, attributes["axes"] if "axes" in attributes else chain.at(node, 1))
    if merged != ["directions"] or attributes.get("keepdims", 1):
        chain.fail(node, "the axis of both directions, which is not kept", listed(merged))
    chain.recurrent(node).merge_mode = {kind: mode for mode, kind in MERGES.items()}[node.kind]
    chain.goes_on(node, tuple(axis for axis in axes if axis != "directions"))


def _slice(chain, node, axes):
    """Turn an axis round."""
    starts, ends, steps = (np.ravel(chain.at(node, i)).tolist() for i in (1, 2, 4))
    turned = chain.names(node, axes, chain.at(node, 3))
    whole = starts == steps == [-1] and len(ends) == 1 and ends[0] <= -(2**31)
    if not whole or turned not in (["steps"], ["directions"]):
        chain.fail(node, "one axis, of steps or directions, turned round", listed(turned))
    chain.recurrent(node).flipped ^= set(turned)
    chain.goes_on(node, axes)


def _mat_mul(chain, node, axes):
    _dense(chain, node, axes, chain.at(node, 1))


def _gemm(chain, node, axes):
    attributes = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0} | node.attributes
    kernel, bias = chain.at(node, 1), chain.at(node, 2)
    if attributes["alpha"] != 1 or attributes["beta"] != 1 or attributes["transA"]:
        chain.fail(node, "alpha 1, beta 1 and transA 0", "others")
    _dense(chain, node, axes, kernel.T if attributes["transB"] else kernel)
    if bias is not None:
        _bias(chain, node, bias)


def _dense(chain, node, axes, kernel):
    if axes[-1] != "features" or kernel.ndim != 2:
        chain.fail(node, "features, the last axis, times a constant matrix", f"({', '.join(axes)})")
    kernel = numbers(chain.caller, f"a matrix{node.place}", kernel)
    chain.add(node, Dense, axes, {"kernel": kernel}, units=kernel.shape[1], use_bias=False)


def _add(chain, node, axes):
    bias = chain.at(node, 1) if node.inputs[0] in chain.live else chain.at(node, 0)
    if axes[-1] != "features":
        chain.fail(node, "features as the last axis", f"({', '.join(axes)})")
    _bias(chain, node, bias)
    chain.goes_on(node, axes)


def _bias(chain, node, bias):
    """Give the layer before, which has to be dense, a bias."""
    dense = chain.drafts[-1].options if chain.drafts and chain.drafts[-1].kind is Dense else {}
    if dense.get("use_bias", True) or "activation" in dense or bias.shape != (dense["units"],):
        chain.fail(node, "a vector added to the product before", f"shape {bias.shape}")
    dense["use_bias"] = True
    chain.drafts[-1].arrays[0]["bias"] = numbers(chain.caller, f"a vector{node.place}", bias)


def _activation(chain, node, axes):
    _activate(chain, node, axes, from_operator(chain.caller, node.kind, node.attributes, node.place))


def _of_rows(chain, node, axes):
    axis = node.attributes.get("axis", -1)
    if axes[-1] != "features" or axis not in (-1, len(axes) - 1):
        chain.fail(node, f"{node.kind} over features, the last axis", f"axis {axis} of ({', '.join(axes)})")
    _activate(chain, node, axes, {kind: name for name, kind in OF_ROWS.items()}[node.kind])


def _clip(chain, node, axes):
    bounds = tuple(bound if bound is None else bound.item() for bound in (chain.at(node, 1), chain.at(node, 2)))
    found = [name for name, of_name in CLIPS.items() if of_name == bounds]
    if not found:
        chain.fail(node, f"bounds out of {', '.join(map(str, CLIPS.values()))}", str(bounds))
    _activate(chain, node, axes, found[0])


def _activate(chain, node, axes, name):
    """Set the activation of the layer before, if it is dense without one; else add a layer."""
    before = chain.drafts[-1] if chain.drafts else None
    if before is None or before.kind is not Dense or "activation" in before.options:
        chain.add(node, Activation, axes, activation=name)
    else:
        before.options["activation"] = name
        chain.goes_on(node, axes)


def _gather(chain, node, axes):
    table = chain.at(node, 0)
    if table.ndim != 2 or node.attributes.get("axis", 0) != 0 or "features" in axes:
        chain.fail(node, "rows of a constant matrix, by integers", f"({', '.join(axes)})")
    table, (rows, width) = numbers(chain.caller, f"a table{node.place}", table), table.shape
    chain.add(node, Embedding, (*axes, "features"), {"table": table}, input_dim=rows, output_dim=width)


def _batch_normalization(chain, node, axes):
    attributes = node.attributes
    if axes[1:2] != ("features",) or attributes.get("training_mode"):
        chain.fail(node, "features as the second axis, and no training_mode", f"({', '.join(axes)})")
    names = "scale", "B", "input_mean", "input_var"
    arrays = {name: numbers(chain.caller, f"{name}{node.place}", chain.at(node, i)) for i, name in enumerate(names, 1)}
    chain.add(node, BatchNormalization, axes, arrays, epsilon=shortest(attributes.get("epsilon", 1e-5)))


def _flatten(chain, node, axes):
    if axes != axes_of(len(axes), "features" not in axes) or node.attributes.get("axis", 1) != 1:
        chain.fail(node, "a batch of samples, flattened from axis 1 on", f"({', '.join(axes)})")
    chain.add(node, Flatten, ("batch", "features"))


def _unsqueeze(chain, node, axes):
    if axes != ("batch", "features") or np.ravel(chain.at(node, 1)).tolist() not in ([1], [-2]):
        chain.fail(node, "a step put into (batch, features)", f"({', '.join(axes)})")
    chain.goes_on(node, ("batch", "one step", "features"))


def _expand(chain, node, axes):
    shape = np.ravel(chain.at(node, 1)).tolist()
    if axes != ("batch", "one step", "features") or len(shape) != 3 or shape[::2] != [1, 1]:
        chain.fail(node, "one step repeated, [1, n, 1]", f"{shape} of ({', '.join(axes)})")
    chain.add(node, RepeatVector, ("batch", "steps", "features"), n=int(shape[1]))


def _dropout(chain, node, axes):
    rate, training = chain.at(node, 1), chain.at(node, 2)
    if training is not None and training.any():
        chain.fail(node, "training_mode false", "true")
    chain.add(node, Dropout, axes, rate=0.5 if rate is None else shortest(rate))


def _identity(chain, node, axes):
    chain.goes_on(node, axes)


NODES: dict[str, Callable[[Chain, Any, Axes], None]] = {
    **dict.fromkeys(OF_NODES, _recurrent),
    **dict.fromkeys(MERGES.values(), _reduce),
    **dict.fromkeys([*(name for name, _ in OPERATORS.values()), *OPERATORS_WITH, "Shrink"], _activation),
    **dict.fromkeys(OF_ROWS.values(), _of_rows),
    "Add": _add,
    "BatchNormalization": _batch_normalization,
    "Clip": _clip,
    "Dropout": _dropout,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "Identity": _identity,
    "MatMul": _mat_mul,
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
