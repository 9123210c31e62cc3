"""How arrays are laid out: as blocks of one gate each, side by side and below each other.

A block is (parameter, gate), such as ("kernel", "i"): the columns of `kernel` that belong to the input gate. A gate may
have a second bias, ("recurrent_bias", "i"), which is added to the first one, and another sign, ("kernel", "-i"). Every
library, and a cell of ours, only puts these blocks together in another way; `translate` goes from any of them to any
other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from ..cells import Cell
from ..errors import InputError
from ..utils.arrays import FLOATS
from ..utils.types import Arrays, Shape

Block: TypeAlias = tuple[str, str]
NORMS = ("norm_scale", "norm_shift")


@dataclass(frozen=True)
class Layout:
    """Blocks of an array: in rows below each other, and the whole possibly transposed.

    A block is a matrix or a vector; an array of one row of vectors has one axis, unless it is a `matrix`.
    """

    rows: tuple[tuple[Block, ...], ...]
    transposed: bool = False
    matrix: bool = False

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(block for row in self.rows for block in row)

    @cached_property
    def parameters(self) -> frozenset[str]:
        """The parameters of ours that are in the array; both biases of a gate belong to one."""
        return frozenset(name.replace("recurrent_bias", "bias") for name, _ in self.blocks)

    def heights(self, sizes: Mapping[str, Shape]) -> list[int]:
        return [_matrix(sizes[row[0][0]])[0] for row in self.rows]

    def widths(self, sizes: Mapping[str, Shape]) -> list[int]:
        return [sizes[name][-1] for name, _ in self.rows[0]]

    def shape(self, sizes: Mapping[str, Shape]) -> Shape:
        """Return the shape of the array, with blocks of these sizes."""
        shape = sum(self.heights(sizes)), sum(self.widths(sizes))
        if len(self.rows) == 1 and len(sizes[self.blocks[0][0]]) == 1 and not self.matrix:
            return shape[1:]
        return shape[::-1] if self.transposed else shape

    def join(self, blocks: Mapping[Block, np.ndarray], sizes: Mapping[str, Shape]) -> np.ndarray:
        """Put blocks together to a new array."""
        array = np.block([[np.atleast_2d(blocks[block]) for block in row] for row in self.rows])
        return np.array(array.T if self.transposed else array, order="C").reshape(self.shape(sizes))

    def split(self, array: np.ndarray, sizes: Mapping[str, Shape]) -> dict[Block, np.ndarray]:
        """Cut an array into its blocks."""
        matrix = np.atleast_2d(array.T if self.transposed else array)
        found = {}
        for row, part in zip(self.rows, _cut(matrix, self.heights(sizes), 0), strict=True):
            for block, piece in zip(row, _cut(part, self.widths(sizes), 1), strict=True):
                found[block] = piece.reshape(sizes[block[0]])
        return found


Layouts: TypeAlias = dict[str, Layout]


def layout(text: str, transposed: bool = False) -> Layout:
    """Read a layout such as "kernel: i g f o / recurrent_kernel: i g f o"; "all" is a parameter as one block.

    "row of bias: i f" is a matrix of one row.
    """
    rows, matrix = [], text.startswith("row of ")
    for line in text.removeprefix("row of ").split("/"):
        row, parameter = [], ""
        for word in line.split():
            if word.endswith(":"):
                parameter = word[:-1]
            else:
                row.append((parameter, word))
        rows.append(tuple(row))
    return Layout(tuple(rows), transposed, matrix)


def own_layouts(cell: Cell) -> Layouts:
    """Lay out the parameters of one of our plain cells, from its declaration."""
    fed = {"kernel": "x", "recurrent_kernel": "hq"}
    if cell.num_proj is not None and cell.fed_by("q"):
        fed = {"kernel": "x", "recurrent_kernel": "h", "feedback_kernel": "q"}
    gates = {name: cell.fed_by(letters) for name, letters in fed.items()}
    own = {name: Layout((tuple((name, gate) for gate in found),)) for name, found in gates.items() if found}
    for name, gates in cell.vectors.items():
        blocks = tuple((name, gate) for gate in gates)
        own[name] = Layout((blocks,)) if name == "bias" else Layout(tuple((block,) for block in blocks))
    for name in NORMS if cell.norms else ():
        own[name] = Layout(tuple(((name, gate),) for gate in cell.normed))
    if cell.num_proj is not None:
        own["projection_kernel"] = layout("projection_kernel: all")
    return own


def block_sizes(cell: Cell, input_size: int) -> dict[str, Shape]:
    """Return the shape of one block of each parameter of a plain cell."""
    shapes, sizes = cell.param_shapes(input_size), {}
    for name, own in own_layouts(cell).items():
        width = shapes[name][-1] // len(own.rows[0])
        sizes[name] = (width,) if name in cell.vectors or name in NORMS else (shapes[name][0], width)
    return sizes | ({"recurrent_bias": sizes["bias"]} if "bias" in sizes else {})


def translate(arrays: Arrays, source: Layouts, target: Layouts, sizes: Mapping[str, Shape]) -> Arrays:
    """Lay out the blocks of some arrays in another way.

    Where a gate has two biases and the target has room for one, it gets the sum; where it has room for two and there is
    one, the second is zero. A source with both signs of a gate is read where it has the other one, "-f" before "f".
    Everything else is a copy, bit for bit.
    """
    blocks: dict[Block, np.ndarray] = {}
    for name, layout in source.items():
        blocks |= layout.split(arrays[name], sizes)
    blocks |= {(name, gate[1:]): -block for (name, gate), block in blocks.items() if gate.startswith("-")}
    wanted = {block for layout in target.values() for block in layout.blocks}
    for name, gate in blocks.keys() - wanted:
        if name == "recurrent_bias":
            blocks["bias", gate] = blocks["bias", gate] + blocks[name, gate]
    for name, gate in wanted - blocks.keys():
        if name == "recurrent_bias":
            blocks[name, gate] = np.zeros_like(blocks["bias", gate.removeprefix("-")])
        elif gate.startswith("-"):
            blocks[name, gate] = -blocks[name, gate[1:]]
    return {name: layout.join(blocks, sizes) for name, layout in target.items()}


def numbers(caller: str, name: str, value: Any) -> np.ndarray:
    """Return the numbers of an array, of a tensor of PyTorch or of a variable of Keras as an array."""
    try:
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    except (TypeError, ValueError, RuntimeError) as error:  # the last of tensors without numbers
        raise InputError(f"{caller}: expected {name} to be an array, got {type(value).__name__} ({error})") from None
    if array.dtype not in FLOATS:
        raise InputError(f"{caller}: expected {name} of dtype float32 or float64, got {array.dtype}")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def named_numbers(caller: str, values: Mapping[str, Any]) -> Arrays:
    """Return the numbers of several arrays by name."""
    for name in values:
        if not isinstance(name, str):
            raise InputError(f"{caller}: expected names that are strings, got {name!r}")
    return {name: numbers(caller, name, value) for name, value in values.items()}


def check_arrays(caller: str, arrays: Mapping[str, np.ndarray], shapes: Mapping[str, Shape], end: str = "") -> None:
    """Raise `InputError` unless the arrays have these names and shapes, and all one dtype.

    ``end`` follows each name where the arrays come from.
    """
    expected = ", ".join(name + end for name in shapes)
    for name in sorted(shapes.keys() - arrays.keys()):
        raise InputError(f"{caller}: expected {expected}; got no {name}{end}")
    for name in sorted(arrays.keys() - shapes.keys()):
        raise InputError(f"{caller}: expected {expected} alone; got {name}{end} too")
    dtype = next(iter(arrays.values())).dtype
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise InputError(f"{caller}: expected {name}{end} of shape {shape}, got {arrays[name].shape}")
        if arrays[name].dtype != dtype:
            got = f"{dtype} and {name}{end} of {arrays[name].dtype}"
            raise InputError(f"{caller}: expected arrays of one dtype, got {got}")


def listed(names: Any) -> str:
    """Write the first few of many names."""
    names = sorted(names)
    return ", ".join(names[:8]) + (f" and {len(names) - 8} others" if len(names) > 8 else "") or "none"


def _matrix(size):
    """Return the shape of a block as a matrix; a vector is a row."""
    return size if len(size) == 2 else (1, *size)


def _cut(array, lengths, axis):
    return np.split(array, np.cumsum(lengths)[:-1], axis)
