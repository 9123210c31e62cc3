"""The weights of one plain cell or layer, in and out, as a row of the table says."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from ..cells import Cell, GLSTMCell, GridLSTMCell, IntersectionRNNCell
from ..cells.intersection_rnn import BLOCKS
from ..errors import InputError
from ..layers.keras_cells import KerasOrder
from ..utils.types import Arrays, Shape
from .layouts import Layouts, block_sizes, check_arrays, layout, listed, own_layouts, translate
from .numbered import (
    apart,
    count_of,
    grid_input_size,
    grid_layouts,
    grid_sizes,
    group_layouts,
    group_sizes,
    numbered,
    together,
)
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
        blocks = {block for own in self.own.values() for block in own.blocks}
        layouts = numbered(row.layouts, count_of(self.kind), blocks)
        return {name: layout for name, layout in layouts.items() if layout.parameters <= self.sizes.keys()}


def holder_of(cell: Any, input_size: int) -> Holder:
    """Describe the parameters of a cell with a row in the table."""
    if isinstance(cell, GLSTMCell):
        return Holder(cell, group_layouts(cell), group_sizes(cell, input_size))
    if isinstance(cell, GridLSTMCell):
        return Holder(cell, grid_layouts(cell), grid_sizes(cell))
    if isinstance(cell, IntersectionRNNCell):
        shapes = cell.param_shapes(cell.units).items()
        own = {name: layout(f"{name}: {' '.join(BLOCKS)}") for name, _ in shapes}
        return Holder(cell, own, {name: (*shape[:-1], cell.units) for name, shape in shapes})
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
    return together(holder.kind, translate(arrays, theirs, holder.own, holder.sizes))


def outgoing(caller: str, row: Counterpart, holder: Holder, params: Arrays) -> Arrays:
    """Return the arrays of a counterpart out of own parameters."""
    row.check(caller, holder.kind)
    if _adds_forget_bias(holder.kind) and not row.forget_bias:
        params = _with_forget_bias(caller, holder.kind, params)
    return translate(apart(holder.kind, params), holder.own, holder.theirs(row), holder.sizes)


def cell_in(caller: str, row: Counterpart, cell: Any, arrays: Arrays, end: str = "") -> Arrays:
    """Return the parameters of a cell with a row; the number of input features shows in the arrays."""
    groups = cell.number_of_groups if isinstance(cell, GLSTMCell) else 1
    smallest, size = holder_of(cell, groups), groups
    for name, theirs in smallest.theirs(row).items():
        if theirs.parameters & {"kernel", "kernel_0"} and name in arrays:
            others = sum(theirs.heights(smallest.sizes)) - 1
            size = groups * max(_extents(caller, name, theirs, arrays[name])[0] - others, 1)
    return incoming(caller, row, holder_of(cell, size), arrays, end)


def cell_out(caller: str, row: Counterpart, cell: Any, params: Arrays) -> Arrays:
    """Return the arrays of the counterpart of a cell with a row."""
    return outgoing(caller, row, holder_of(cell, input_size_of(cell, params)), params)


def input_size_of(cell: Any, params: Arrays) -> int:
    """Return the number of input features that the parameters of a cell are for; 1 where they do not say it."""
    if isinstance(cell, GridLSTMCell):
        return grid_input_size(cell)
    kernel = np.shape(params.get("kernel", ()))
    return math.prod(kernel[:-1]) or 1


def made_cell(caller: str, row: Counterpart, arrays: Mapping[str, np.ndarray], **options: Any) -> Cell:
    """Make the cell that belongs to the arrays of a counterpart: its size and options, as far as they show."""
    for array in arrays.keys() - row.layouts.keys():
        raise InputError(f"{caller}: expected arrays of {row.library}'s {row.name}, got {array} too")
    kind, found = row.cells[0], {name: array for array in arrays for name in row.layouts[array].parameters}

    def columns_of(parameter):
        name = found[parameter]
        return _extents(caller, name, row.layouts[name], arrays[name])[1]

    if "kernel" not in found:
        raise InputError(f"{caller}: expected arrays of {row.library}'s {row.name}, got {listed(arrays)}")
    if "projection_kernel" in found:
        options["num_proj"] = columns_of("projection_kernel")
    known = {field.name for field in fields(kind)}
    options |= {option: parameter in found for option, parameter in SHOWS.items() if option in known}
    return kind(max(columns_of("kernel") // len(row.layouts[found["kernel"]].rows[0]), 1), **options)


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


def _extents(caller, name, layout, array):
    """Return the rows and columns of a matrix as they would stand here."""
    if array.ndim != 2:
        raise InputError(f"{caller}: expected a matrix {name}, got shape {array.shape}")
    return array.shape[::-1] if layout.transposed else array.shape
