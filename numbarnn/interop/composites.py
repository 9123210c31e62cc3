"""Cells made of other cells: what is inside a wrapper, and the cells of a stack."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..cells import Cell
from ..cells.rnn_cell import RNNCell
from ..errors import InputError
from ..rnn.arguments import check_params
from ..utils.types import Arrays
from ..wrappers import (
    Bidirectional,
    ConcatenatedState,
    DeviceWrapper,
    DropConnectWrapper,
    DropoutWrapper,
    HighwayWrapper,
    InputProjectionWrapper,
    MultiRNNCell,
    OutputProjectionWrapper,
    RecurrentDropoutWrapper,
    ResidualWrapper,
)
from .convert import input_size_of
from .layouts import named_numbers
from .table import shown

# they have no parameters, and outside training they compute what the inner cell computes
TRANSPARENT = (ConcatenatedState, DeviceWrapper, DropConnectWrapper, DropoutWrapper, RecurrentDropoutWrapper)


def unwrapped(cell: Any) -> Any:
    """Return what is inside wrappers that add no parameters and change nothing outside training."""
    while isinstance(cell, TRANSPARENT):
        cell = cell.cell
    return cell


def inner(cell: Any) -> Any:
    """Return what is inside wrappers without parameters."""
    cell = unwrapped(cell)
    return inner(cell.cell) if isinstance(cell, ResidualWrapper) else cell


def levels(caller: str, cell: RNNCell) -> list[tuple[str, RNNCell]]:
    """List the cells of a stack with the prefixes of their parameters; any other cell is a stack of one."""
    cell = unwrapped(cell)
    if not isinstance(cell, MultiRNNCell):
        return [("", cell)]
    if cell.places != tuple(range(len(cell.cells))):
        raise InputError(f"{caller}: expected a cell of its own at each place, got shared ones: {shown(cell)}")
    return [(f"{i}/", unwrapped(inner)) for i, inner in enumerate(cell.cells)]


def directions(cell: RNNCell) -> list[tuple[str, RNNCell]]:
    """List the cells of both directions with the prefixes of their parameters; any other cell reads forwards."""
    if not isinstance(cell, Bidirectional):
        return [("", cell)]
    backward = cell.backward_cell or cell.forward_cell
    return [("forward/", unwrapped(cell.forward_cell)), ("backward/", unwrapped(backward))]


def plain_cells(caller: str, library: str, cell: RNNCell) -> Iterator[tuple[str, Cell]]:
    """Yield all plain cells, from the lowest upwards and forwards first, with the prefixes of their parameters."""
    cell = unwrapped(cell)
    if isinstance(cell, Cell):
        yield "", cell
        return
    if not isinstance(cell, MultiRNNCell | Bidirectional):
        raise InputError(f"{caller}: {library} has no counterpart of {shown(cell)}")
    for prefix, inner in directions(cell) if isinstance(cell, Bidirectional) else levels(caller, cell):
        for rest, plain in plain_cells(caller, library, inner):
            yield prefix + rest, plain


def plain(caller: str, library: str, cell: Any) -> Cell:
    """Return the cell if it is a plain one, or raise `InputError`."""
    if not isinstance(cell, Cell):
        raise InputError(f"{caller}: {library} has no counterpart of {shown(cell)} at this place")
    return cell


def prefixed(prefix: str, params: Arrays) -> Arrays:
    return {prefix + name: array for name, array in params.items()}


def taken(prefix: str, params: Arrays) -> Arrays:
    """Remove the parameters of one part, and return them under the names that they have in the part."""
    return {name.removeprefix(prefix): params.pop(name) for name in list(params) if name.startswith(prefix)}


def checked(caller: str, cell: RNNCell, params: Any) -> Arrays:
    """Return the parameters of a cell as arrays, or raise `InputError` if names, shapes or dtypes do not fit."""
    if not isinstance(params, Mapping):
        raise InputError(f"{caller}: expected the params of the cell, got {type(params).__name__}")
    params = named_numbers(caller, params)
    return check_params(cell, params, input_size(cell, params))


def input_size(cell: Any, params: Arrays) -> int | None:
    """Return the number of input features of a cell; None if it takes integers."""
    cell = inner(cell)
    if cell.takes_integers:
        return None
    if isinstance(cell, MultiRNNCell):
        return input_size(cell.cells[0], taken("0/", dict(params)))
    if isinstance(cell, Bidirectional):
        return input_size(cell.forward_cell, taken("forward/", dict(params)))
    if isinstance(cell, OutputProjectionWrapper):
        return input_size(cell.cell, taken("cell/", dict(params)))
    name = {InputProjectionWrapper: "projection_kernel", HighwayWrapper: "carry_kernel"}.get(type(cell))
    if name is None:  # where there is no kernel, `check_params` says so
        return input_size_of(cell, params)
    features, *_ = *np.shape(params.get(name, ())), 1
    return features or 1
