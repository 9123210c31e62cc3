"""The weights of one plain cell or layer, in and out, as a row of the table says."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from ..cells import Cell
from ..errors import InputError
from ..layers.keras_cells import KerasOrder
from ..utils.types import Arrays, Shape
from .layouts import Layouts, block_sizes, check_arrays, listed, own_layouts, translate
from .table import Counterpart, rows_of, shown

SHOWS = {  # options of cells that show in their parameters
    "layer_norm": "norm_scale",
    "use_bias": "bias",
    "use_biases": "bias",
    "use_peephole": "peephole",
    "use_peepholes": "peephole",
}


@dataclass(frozen=True)
class Holder:
    """A plain cell or a layer, how its own parameters are laid out, and the sizes of their blocks."""

    kind: Any
    own: Layouts
    sizes: Mapping[str, Shape]

    def theirs(self, row: Counterpart) -> Layouts:
        """Return the arrays of a counterpart: those whose parameters there are here."""
        return {name: layout for name, layout in row.layouts.items() if layout.parameters <= self.sizes.keys()}


def holder_of(cell: Cell, input_size: int) -> Holder:
    """Describe the parameters of a plain cell."""
    if not isinstance(cell, KerasOrder):
        return Holder(cell, own_layouts(cell), block_sizes(cell, input_size))
    holder = holder_of(cell.canonical, input_size)
    (row,) = rows_of("Keras", cell)
    return replace(holder, own=holder.theirs(row))


def incoming(caller: str, row: Counterpart, holder: Holder, arrays: Arrays, end: str = "") -> Arrays:
    """Return own parameters out of the arrays of a counterpart, whose names go on with ``end`` where they come from."""
    row.check(caller, holder.kind)
    if _adds_forget_bias(holder.kind) and not row.forget_bias:
        expected = f"a cell with forget_bias=0, as {row.library} has it in the bias"
        raise InputError(f"{caller}: expected {expected}, got {shown(holder.kind)}")
    theirs = holder.theirs(row)
    check_arrays(caller, arrays, {name: layout.shape(holder.sizes) for name, layout in theirs.items()}, end)
    return translate(arrays, theirs, holder.own, holder.sizes)


def outgoing(caller: str, row: Counterpart, holder: Holder, params: Arrays) -> Arrays:
    """Return the arrays of a counterpart out of own parameters."""
    row.check(caller, holder.kind)
    if _adds_forget_bias(holder.kind) and not row.forget_bias:
        params = _with_forget_bias(caller, holder.kind, params)
    return translate(params, holder.own, holder.theirs(row), holder.sizes)


def cell_in(caller: str, row: Counterpart, cell: Cell, arrays: Arrays, end: str = "") -> Arrays:
    """Return the parameters of a plain cell; the number of input features shows in the arrays."""
    size = 1
    for name, layout in holder_of(cell, 1).theirs(row).items():
        if "kernel" in layout.parameters and name in arrays:
            others = sum(layout.heights(block_sizes(cell, 1))) - 1
            size = max(_extents(caller, row, name, arrays)[0] - others, 1)
    return incoming(caller, row, holder_of(cell, size), arrays, end)


def cell_out(caller: str, row: Counterpart, cell: Cell, params: Arrays) -> Arrays:
    """Return the arrays of the counterpart of a plain cell."""
    return outgoing(caller, row, holder_of(cell, len(params["kernel"])), params)


def made_cell(caller: str, row: Counterpart, arrays: Mapping[str, np.ndarray], **options: Any) -> Cell:
    """Make the cell that belongs to the arrays of a counterpart: its size and options, as far as they show."""
    for array in arrays.keys() - row.layouts.keys():
        raise InputError(f"{caller}: expected arrays of {row.library}'s {row.name}, got {array} too")
    kind, found = row.cells[0], {name: array for array in arrays for name in row.layouts[array].parameters}
    if "kernel" not in found:
        raise InputError(f"{caller}: expected arrays of {row.library}'s {row.name}, got {listed(arrays)}")
    if "projection_kernel" in found:
        options["num_proj"] = _extents(caller, row, found["projection_kernel"], arrays)[1]
    known = {field.name for field in fields(kind)}
    options |= {option: parameter in found for option, parameter in SHOWS.items() if option in known}
    columns = _extents(caller, row, found["kernel"], arrays)[1]
    return kind(max(columns // len(row.layouts[found["kernel"]].rows[0]), 1), **options)


def _adds_forget_bias(kind):
    return any(getattr(kind, "offsets", {}).values())


def _with_forget_bias(caller, cell, params):
    """Add the constants that a cell adds in every run to its bias."""
    if "bias" not in params:
        raise InputError(f"{caller}: expected use_bias=True, to hold the forget bias, got {shown(cell)}")
    bias = params["bias"].copy()
    for block, name in zip(bias.reshape(-1, cell.units), cell.vectors["bias"], strict=True):
        block += cell.offsets.get(name, 0)
    return params | {"bias": bias}


def _extents(caller, row, name, arrays):
    """Return the rows and columns of a matrix as they would stand here."""
    shape = arrays[name].shape
    if len(shape) != 2:
        raise InputError(f"{caller}: expected a matrix {name}, got shape {shape}")
    return shape[::-1] if row.layouts[name].transposed else shape
