"""The weights of one plain cell, in and out, as a row of the table says."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from ..cells import Cell
from ..errors import InputError
from ..rnn.arguments import check_params
from ..utils.types import Arrays
from .layouts import Layouts, block_sizes, check_arrays, listed, own_layouts, translate
from .table import Counterpart, shown


def theirs(row: Counterpart, cell: Cell) -> Layouts:
    """Return the arrays of a counterpart for this cell: those whose parameters it has."""
    own = own_layouts(cell).keys()
    return {name: layout for name, layout in row.layouts.items() if layout.parameters <= own}


def incoming(caller: str, row: Counterpart, cell: Cell, arrays: Arrays, end: str = "") -> Arrays:
    """Return the parameters of a cell out of the arrays of its counterpart, or raise `InputError`."""
    row.check(caller, cell)
    if any(cell.offsets.values()) and not row.forget_bias:
        got = f"{row.library} has the forget bias in its bias; expected a cell with forget_bias=0, got {shown(cell)}"
        raise InputError(f"{caller}: {got}")
    layouts, sizes = theirs(row, cell), block_sizes(cell, _input_size(caller, row, cell, arrays))
    check_arrays(caller, arrays, {name: layout.shape(sizes) for name, layout in layouts.items()}, end)
    return translate(arrays, layouts, own_layouts(cell), sizes)


def outgoing(caller: str, row: Counterpart, cell: Cell, params: Arrays) -> Arrays:
    """Return the arrays of a counterpart out of a cell's parameters, or raise `InputError`."""
    row.check(caller, cell)
    features, *_ = *np.shape(params.get("kernel", ())), 1  # without a kernel `check_params` says what is missing
    params = check_params(cell, params, features)
    sizes, own = block_sizes(cell, features), own_layouts(cell)
    if any(cell.offsets.values()) and not row.forget_bias:
        params = with_forget_bias(caller, cell, params)
    return translate(params, own, theirs(row, cell), sizes)


def with_forget_bias(caller: str, cell: Cell, params: Arrays) -> Arrays:
    """Add the constants that a cell adds in every run to its bias."""
    if "bias" not in params:
        raise InputError(f"{caller}: expected use_bias=True, to hold the forget bias, got {shown(cell)}")
    bias = params["bias"].copy()
    for block, name in zip(bias.reshape(-1, cell.units), cell.vectors["bias"], strict=True):
        block += cell.offsets.get(name, 0)
    return params | {"bias": bias}


def made_cell(caller: str, row: Counterpart, arrays: Mapping[str, np.ndarray], **options: Any) -> Cell:
    """Make the cell that belongs to the arrays of a counterpart: its size and options, as far as they show."""
    kind, found = row.cells[0], {name: array for array in arrays for name in row.layouts[array].parameters}
    if "kernel" not in found:
        raise InputError(f"{caller}: expected arrays of {row.library}'s {row.name}, got {listed(arrays)}")
    if "projection_kernel" in found:
        options["num_proj"] = _extents(caller, row, found["projection_kernel"], arrays)[1]
    shown = {"use_peepholes": "peephole", "use_peephole": "peephole", "use_bias": "bias", "use_biases": "bias"}
    known = {field.name for field in fields(kind)}
    options |= {option: parameter in found for option, parameter in shown.items() if option in known}
    columns = _extents(caller, row, found["kernel"], arrays)[1]
    return kind(max(columns // len(row.layouts[found["kernel"]].rows[0]), 1), **options)


def _input_size(caller, row, cell, arrays):
    """Return the number of input features: the rows that are left for the kernel in the array that holds it."""
    for name, layout in theirs(row, cell).items():
        if "kernel" in layout.parameters and name in arrays:
            others = sum(layout.heights(block_sizes(cell, 1))) - 1
            return max(_extents(caller, row, name, arrays)[0] - others, 1)
    return 1


def _extents(caller, row, name, arrays):
    """Return the rows and columns of a matrix as they would stand here."""
    shape = arrays[name].shape
    if len(shape) != 2:
        raise InputError(f"{caller}: expected a matrix {name}, got shape {shape}")
    return shape[::-1] if row.layouts[name].transposed else shape
