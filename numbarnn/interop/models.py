"""The weights of whole models: which cells and layers hold them, and how they are all set at once."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import InputError
from ..layers import RNN, BatchNormalization, Bidirectional, Dense, Embedding, Layer, TimeDistributed
from ..layers.recurrent_units import RecurrentUnits
from ..utils.types import Arrays
from .composites import directions, levels, plain, taken, unwrapped
from .convert import Holder, holder_of, incoming, outgoing
from .layouts import layout
from .table import counterpart, rows_of


@dataclass(frozen=True)
class Piece:
    """The weights of one cell or layer of a model.

    Attributes
    ----------
    layer : Layer
        The layer of the model that it is in.
    prefix : str
        What its names begin with among the weights of the layer.
    holder : Holder
        What it is.
    level, backwards : int, bool
        Its place in a stack of cells, and in a pair of directions.
    path : str
        Its folder in the files of Keras, below that of the layer.
    """

    layer: Layer
    prefix: str
    holder: Holder
    level: int = 0
    backwards: bool = False
    path: str = ""

    @property
    def weights(self) -> Arrays:
        return taken(self.prefix, dict(self.layer.weights))


def pieces(caller: str, library: str, model: Any) -> list[Piece]:
    """List what holds the weights of a built model, or raise `InputError`."""
    check_built(caller, model)
    return [piece for layer in model.layers for piece in _pieces_of(caller, library, layer)]


def check_built(caller: str, model: Any) -> None:
    """Raise `InputError` unless this is a built model."""
    if not isinstance(getattr(model, "layers", None), list) or not hasattr(model, "set_weights"):
        raise InputError(f"{caller}: expected a cell or a model such as nr.Sequential, got {type(model).__name__}")
    if not model.built:
        raise InputError(f"{caller}: expected a built model: start with Input(shape), or call build first")


def holder_of_layer(layer: Layer) -> Holder:
    """Describe the weights of a layer without gates, each of which is one block."""
    sizes = {name: array.shape for name, array in layer.weights.items()}
    return Holder(layer, {name: layout(f"{name}: all") for name in sizes}, sizes)


def out_of(caller: str, library: str, piece: Piece) -> Arrays:
    """Return the arrays of another library for a piece."""
    return outgoing(caller, counterpart(caller, library, piece.holder.kind), piece.holder, piece.weights)


def load(caller: str, library: str, model: Any, found: list[tuple[Piece, Arrays]], ends: list[str]) -> None:
    """Set all weights of a model out of the arrays for each piece, or raise `InputError` before any is changed.

    For each piece ``ends`` says where its arrays come from, for errors.
    """
    values = {}
    for (piece, arrays), end in zip(found, ends, strict=True):
        own = incoming(caller, counterpart(caller, library, piece.holder.kind), piece.holder, arrays, end)
        values |= {f"{piece.layer.name}/{piece.prefix}{name}": array for name, array in own.items()}
    for name, array in values.items():
        if not np.can_cast(array.dtype, model.dtype):
            raise InputError(f"{caller}: expected {model.dtype}, the dtype of the model, got {array.dtype} for {name}")
    model.set_weights([values[name] for name in model.weights])


def _pieces_of(caller: str, library: str, layer: Layer) -> Iterator[Piece]:
    """Yield the pieces of one layer."""
    if isinstance(layer, Bidirectional):
        yield from _pieces_of_both(caller, library, layer)
    elif isinstance(layer, TimeDistributed):
        for piece in _pieces_of(caller, library, layer.layer):
            yield replace(piece, layer=layer, path=f"layer/{piece.path}")
    elif isinstance(layer, RecurrentUnits):
        holder = holder_of(unwrapped(layer.cell), len(layer.params["kernel"]))
        yield Piece(layer, "", holder, backwards=layer.go_backwards, path="cell/")
    elif isinstance(layer, RNN):
        yield from _pieces_of_cells(caller, library, layer)
    elif isinstance(layer, Dense | Embedding | BatchNormalization):
        yield Piece(layer, "", holder_of_layer(layer))
    elif layer.weights:
        raise InputError(f"{caller}: {library} has no counterpart of the layer {layer.name} ({type(layer).__name__})")


def _pieces_of_both(caller, library, layer):
    """Yield the pieces of a layer in both directions."""
    for (prefix, part), folder in zip(layer.parts.items(), ("forward_layer", "backward_layer"), strict=True):
        for piece in _pieces_of(caller, library, part):
            yield replace(piece, layer=layer, prefix=prefix + piece.prefix, path=f"{folder}/{piece.path}")


def _pieces_of_cells(caller, library, layer):
    """Yield the pieces of a layer that runs any cell; in Keras a cell has one direction."""
    stack = levels(caller, layer.cell)
    paths = [f"cell/cells/{name}/" for name in numbered(_file_name(cell) for _, cell in stack)]
    for level, (prefix, cell) in enumerate(stack):
        for second, (side, inner) in enumerate(directions(cell) if library == "PyTorch" else [("", cell)]):
            inner, start = plain(caller, library, inner), prefix + side
            counterpart(caller, library, inner)
            holder = holder_of(inner, len(layer.params[f"{start}kernel"]))
            backwards = layer.go_backwards != bool(second)
            yield Piece(layer, start, holder, level, backwards, paths[level] if len(stack) > 1 else "cell/")


def numbered(names: Iterable[str]) -> list[str]:
    """Append to each name that is not the first of its kind the number of those before."""
    names = list(names)
    counts = [names[:i].count(name) for i, name in enumerate(names)]
    return [f"{name}_{count}" if count else name for name, count in zip(names, counts, strict=True)]


def _file_name(cell):
    """Return the name of a cell in the files of Keras, or nothing if Keras has no such cell: LSTMCell -> lstm_cell."""
    names = [row.name.partition("(")[0] for row in rows_of("Keras", cell)]
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", names[0]).lower() + "_cell" if names else ""
