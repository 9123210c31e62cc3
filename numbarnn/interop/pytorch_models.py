"""Models beside PyTorch's: which of its modules belongs to which layer."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from ..cells import Cell
from ..errors import InputError
from ..layers import BatchNormalization
from ..utils.types import Arrays
from .layouts import listed
from .models import Piece, out_of, pieces
from .pytorch_cells import LIBRARY, check_alike, ending, place_of
from .table import counterpart


def arrays_of_model(caller: str, model: Any) -> Arrays:
    """Return the arrays of a state dict, whose modules have the names of the layers."""
    found: Arrays = {}
    for piece in pieces_alike(caller, model):
        end = ending(piece.level, piece.backwards) if isinstance(piece.holder.kind, Cell) else ""
        arrays = out_of(caller, LIBRARY, piece)
        found |= {f"{piece.layer.name}.{name}{end}": array for name, array in arrays.items()}
        if isinstance(piece.holder.kind, BatchNormalization):
            found[f"{piece.layer.name}.num_batches_tracked"] = np.array(0)
    return found


def pieces_alike(caller: str, model: Any) -> list[Piece]:
    """List what holds the weights of a model, or raise `InputError` if it has recurrent layers that PyTorch has not."""
    held = pieces(caller, LIBRARY, model)
    for layer in dict.fromkeys(piece.layer for piece in held):
        own = [piece for piece in held if piece.layer is layer]
        if getattr(layer, "merge_mode", "concat") != "concat":
            raise InputError(f"{caller}: expected merge_mode 'concat', as PyTorch has it, got that of {layer.name}")
        places = [(piece.level, piece.backwards) for piece in own]
        width = 1 + any(backwards for _, backwards in places)
        if places != [(i // width, bool(i % width)) for i in range(len(own))]:
            expected = "layers that read forwards or in both directions, level by level, as PyTorch's"
            raise InputError(f"{caller}: expected {expected}, got {layer.name}")
        cells = [piece.holder.kind for piece in own if isinstance(piece.holder.kind, Cell)]
        alike = {(counterpart(caller, LIBRARY, c).name, c.units, c.num_proj, c.use_bias) for c in cells}
        check_alike(caller, alike, layer.name)
    return held


def by_module(arrays: Arrays) -> dict[tuple[str, int, bool], Arrays]:
    """Sort the arrays of a model by module, layer and direction."""
    found: dict[tuple[str, int, bool], Arrays] = {}
    for name, array in arrays.items():
        module, _, last = name.rpartition(".")
        level, backwards, rest = place_of(last) or (0, False, last)
        found.setdefault((module, level, backwards), {})[rest] = array
    return found


def modules_of(
    caller: str,
    held: list[Piece],
    found: Collection[tuple[str, int, bool]],
    names: Mapping[str, str] | None,
    ordered: bool,
) -> list[tuple[str, int, bool]]:
    """Return for each piece of a model the module, layer and direction that its weights come from."""
    layers, modules = {piece.layer.name for piece in held}, {module for module, _, _ in found}
    if names is None and layers == modules:
        names = {name: name for name in layers}
    if names is None and not ordered:
        expected = f"names, the modules of {listed(layers)}, as a file does not keep their order"
        raise InputError(f"{caller}: expected {expected}; got {listed(modules)}")
    if names is not None and set(names) != layers:
        raise InputError(f"{caller}: expected names of {listed(layers)}, got {listed(names)}")
    for module in (names or {}).values():
        if module not in modules:
            raise InputError(f"{caller}: expected the name of a module ({listed(modules)}), got {module!r}")
    places = list(dict.fromkeys((piece.layer.name, piece.level) for piece in held))
    theirs = list(dict.fromkeys((module, level) for module, level, _ in found))
    if names is not None:
        theirs = numbered_levels([names[layer] for layer, _ in places])
    if len(theirs) != len(places):
        got = ", ".join(module or "one without a name" for module, _ in theirs)
        raise InputError(f"{caller}: expected {len(places)} layers with weights ({listed(layers)}), got {got}")
    place = dict(zip(places, theirs, strict=True))
    return [(*place[piece.layer.name, piece.level], piece.backwards) for piece in held]


def numbered_levels(modules: list[str]) -> list[tuple[str, int]]:
    """Number the layers of each module, in the order in which it is named."""
    return [(module, modules[:i].count(module)) for i, module in enumerate(modules)]
