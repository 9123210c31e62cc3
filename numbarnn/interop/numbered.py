"""Cells with parameters for each of several parts: the groups of `GLSTMCell`, the blocks of `GridLSTMCell`.

Their layouts in the table have "#" for the number of the part: `group#/kernel` is `group0/kernel`, `group1/kernel` ...
The kernels of all groups are one array of ours, which is taken apart into `kernel_0`, `kernel_1` ...
"""

from collections.abc import Collection
from typing import Any

import numpy as np

from ..cells import GLSTMCell, GridLSTMCell
from ..utils.types import Arrays, Shape
from .layouts import Block, Layout, Layouts, layout

KERNELS = "kernel", "recurrent_kernel"  # of groups
GATES = "i f g o"


def count_of(cell: Any) -> int:
    """Return the number of parts."""
    if isinstance(cell, GridLSTMCell):
        return len(cell.num_frequency_blocks)
    return cell.number_of_groups if isinstance(cell, GLSTMCell) else 1


def numbered(layouts: Layouts, count: int, blocks: Collection[Block]) -> Layouts:
    """Write layouts with "#" once for each part, with those of their blocks that there are."""
    found = {}
    for name, of_all in layouts.items():
        for k in range(count) if "#" in name else ():
            rows = (tuple((parameter.replace("#", str(k)), gate) for parameter, gate in row) for row in of_all.rows)
            rows = (tuple(block for block in row if block in blocks) for row in rows)
            found[name.replace("#", str(k))] = Layout(tuple(row for row in rows if row))
        if "#" not in name:
            found[name] = of_all
    return {name: of_one for name, of_one in found.items() if of_one.rows}


def group_layouts(cell: GLSTMCell) -> Layouts:
    """Lay out the parameters of a `GLSTMCell`, taken apart."""
    kernels = {f"{name}_{k}": layout(f"{name}_{k}: {GATES}") for name in KERNELS for k in range(count_of(cell))}
    projection = {"projection_kernel": layout("projection_kernel: all")} if cell.num_proj is not None else {}
    return kernels | {"bias": layout(f"bias: {GATES}")} | projection


def group_sizes(cell: GLSTMCell, input_size: int) -> dict[str, Shape]:
    """Return the shape of one block of each parameter of a `GLSTMCell`, taken apart."""
    shapes = cell.param_shapes(input_size)
    sizes = {f"{name}_{k}": _quarter(shapes[name][1:]) for name in KERNELS for k in range(count_of(cell))}
    sizes["bias"] = _quarter(shapes["bias"])
    return sizes | {name: shape for name, shape in shapes.items() if name == "projection_kernel"}


def apart(cell: Any, params: Arrays) -> Arrays:
    """Take the kernels of the groups apart; other parameters stay."""
    if not isinstance(cell, GLSTMCell):
        return params
    others = {name: array for name, array in params.items() if name not in KERNELS}
    return others | {f"{name}_{k}": kernel for name in KERNELS for k, kernel in enumerate(params[name])}


def together(cell: Any, params: Arrays) -> Arrays:
    """Invert `apart`."""
    if not isinstance(cell, GLSTMCell):
        return params
    kernels = {name: np.stack([params.pop(f"{name}_{k}") for k in range(count_of(cell))]) for name in KERNELS}
    return kernels | params


def grid_layouts(cell: GridLSTMCell) -> Layouts:
    """Lay out the parameters of a `GridLSTMCell`; a peephole stands on the memory of time, t, or of frequency, f."""
    seeing = [f"{gate}{on}" for gate in cell.gates if gate != "g" for on in "tf"]
    found = {}
    for name in cell.param_shapes(grid_input_size(cell)):
        rows = (" / " + f"{name}: ").join(seeing) if "peephole" in name else " ".join(cell.gates)
        found[name] = layout(f"{name}: {rows}")
    return found


def grid_sizes(cell: GridLSTMCell) -> dict[str, Shape]:
    """Return the shape of one block of each parameter of a `GridLSTMCell`."""
    shapes = cell.param_shapes(grid_input_size(cell)).items()
    return {name: (*shape[: len(shape) - 1 if "kernel" in name else 0], cell.units) for name, shape in shapes}


def grid_input_size(cell: GridLSTMCell) -> int:
    """Return a number of inputs that a `GridLSTMCell` can read; its parameters are the same for others."""
    if cell.end_freqindex_list is not None:
        return max(cell.end_freqindex_list)
    return cell.feature_size + (cell.num_frequency_blocks[0] - 1) * cell.frequency_skip


def _quarter(shape):
    return (*shape[:-1], shape[-1] // 4)
