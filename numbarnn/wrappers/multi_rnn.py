"""Cells on top of one another (MultiRNNCell of TensorFlow 1)."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any

import numpy as np

from ..cells.rnn_cell import RNNCell
from ..engines.interface import CellResult, RunOptions
from ..errors import InputError
from ..runtime.planned_memory import PlannedInputs, PlannedMemory
from ..utils.tree import tree_leaves
from .base import check_cells, part, prefixed
from .concatenated_state import ConcatenatedState


@dataclass(frozen=True)
class MultiRNNCell(RNNCell):
    """Stack cells: the output of each is the input of the next.

    The stack runs layer by layer, each over the whole sequence. Its state is a tuple with the state of each cell.

    Parameters
    ----------
    cells : sequence of RNNCell
        The cells, from the lowest upwards. An object that stands at several places is one cell with one set of
        parameters; `init_params` then warns.
    state_is_tuple : bool, default True
        With False the state is one array (B, sum of the state sizes). All cells must then have a single state; see
        `ConcatenatedState`.

    Raises
    ------
    InputError
        If `cells` is not a sequence of cells, a cell above the first takes integers, or a cell has several states that
        should go into one array; on `init_params` if one object stands at places with inputs of different sizes.

    Notes
    -----
    Parameters: those of cell i are called "i/...", counted from 0.

    References
    ----------
    ``tf.nn.rnn_cell.MultiRNNCell`` of TensorFlow 1.
    """

    cells: Sequence[RNNCell]
    _: KW_ONLY
    state_is_tuple: bool = True
    # for each cell: where its object stands first
    places: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self):
        if not isinstance(self.cells, list | tuple) or not self.cells:
            raise InputError(f"MultiRNNCell: expected a list of cells, got {self.cells!r}")
        check_cells(self, *self.cells)
        for cell in self.cells[1:]:
            if cell.takes_integers:
                raise InputError(f"MultiRNNCell: only the first cell can take integers, got {cell!r} further up")
        if not self.state_is_tuple:
            for cell in self.cells:
                if len(tree_leaves(cell.state_size)) > 1:
                    expected = "cells of one state each (ConcatenatedState makes it one) for state_is_tuple=False"
                    raise InputError(f"MultiRNNCell: expected {expected}, got {cell!r}")
        ids = [id(cell) for cell in self.cells]
        object.__setattr__(self, "cells", tuple(self.cells))
        object.__setattr__(self, "places", tuple(map(ids.index, ids)))

    @property
    def takes_integers(self) -> bool:
        return self.cells[0].takes_integers

    @property
    def state_size(self) -> Any:
        """Widths of the states, cell by cell; their sum if they are one array."""
        if not self.state_is_tuple:
            return sum(tree_leaves(tuple(cell.state_size for cell in self.cells)))
        return tuple(cell.state_size for cell in self.cells)

    @property
    def output_size(self) -> int:
        """Width of the output, that of the last cell."""
        return self.cells[-1].output_size

    def input_sizes(self, input_size: int) -> list[int]:
        """Return the number of features that each cell reads.

        Parameters
        ----------
        input_size : int
            Number of features of the inputs.

        Returns
        -------
        list of int
            A number for each cell.
        """
        return [input_size, *(cell.output_size for cell in self.cells[:-1])]

    def param_shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        sizes, shapes = self.input_sizes(input_size), {}
        for i, (cell, first, size) in enumerate(zip(self.cells, self.places, sizes, strict=True)):
            if size != sizes[first]:
                raise InputError(
                    f"MultiRNNCell: the same {type(cell).__name__} stands at places {first} and {i}, but its inputs "
                    f"have {sizes[first]} and {size} features; make a cell for each place"
                )
            if first == i:
                shapes |= prefixed({i: cell.param_shapes(size)})
        return shapes

    def draw_params(self, input_size: int, rng: np.random.Generator, dtype: np.dtype) -> dict[str, np.ndarray]:
        """Draw fresh parameters, from the lowest cell upwards."""
        self.param_shapes(input_size)
        params, sizes = {}, self.input_sizes(input_size)
        for i, (cell, first, size) in enumerate(zip(self.cells, self.places, sizes, strict=True)):
            if first == i:
                params |= prefixed({i: cell.init_params(size, rng, dtype)})
            else:
                message = f"MultiRNNCell: places {first} and {i} hold the same {type(cell).__name__}, and share its"
                warnings.warn(f"{message} parameters; make a cell for each place to keep them apart", stacklevel=3)
        return params

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        if not self.state_is_tuple:
            return ConcatenatedState(replace(self, state_is_tuple=True)).unroll(params, x, state, mask, options)
        runs, initial = [], state or [None] * len(self.cells)
        for i, (cell, first, s) in enumerate(zip(self.cells, self.places, initial, strict=True)):
            runs.append(cell.unroll(part(first, params), x, s, mask, options.part(i)))
            x = runs[-1].outputs

        def backward(d_outputs, d_state, cut=None):
            d_params, d_initial = {}, []
            for first, run, ds in reversed(list(zip(self.places, runs, d_state, strict=True))):
                d_cell, d_outputs, ds = run.backward(d_outputs, ds, cut)
                d_initial.insert(0, ds)
                for name, d in prefixed({first: d_cell}).items():
                    d_params[name] = d_params[name] + d if name in d_params else d
            return {name: d_params[name] for name in params}, d_outputs, tuple(d_initial)

        final = tuple(run.state for run in runs)
        states = lambda: prefixed({i: run.states() for i, run in enumerate(runs)})  # noqa: E731
        gates = lambda: prefixed({i: run.gates() for i, run in enumerate(runs)})  # noqa: E731
        return CellResult(x, final, backward, states, gates)

    def plan_memory(self, memory: PlannedMemory, inputs: PlannedInputs, options: RunOptions) -> Callable[[], Any]:
        gradients = []
        for i, cell in enumerate(self.cells):
            gradients.append(cell.plan_memory(memory.part(i), inputs, options))
            inputs = inputs._replace(features=cell.output_size, tokens=False)

        def backward():
            for planned in reversed(gradients):
                planned()

        return backward
