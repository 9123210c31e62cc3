"""Cells on top of one another (MultiRNNCell of TensorFlow 1)."""

import warnings
from dataclasses import KW_ONLY, dataclass, field, replace

import numpy as np

from ..cells.rnn_cell import RNNCell
from ..engines.interface import CellResult
from ..errors import InputError
from ..utils.tree import tree_leaves
from .base import check_cells, part, prefixed
from .concatenated_state import ConcatenatedState


@dataclass(frozen=True)
class MultiRNNCell(RNNCell):
    """The output of each cell is the input of the next; run layer by layer, each over the whole sequence.

    Parameters: those of cell i are called "i/...", counted from 0. The state is a tuple with one entry a cell; with
    `state_is_tuple=False` one array (B, sum of the sizes), for cells of one state each (see `ConcatenatedState`). One
    object at several places is one cell: it has one set of parameters, under its first place, and a warning says so;
    inputs of different sizes are an error.
    """

    cells: tuple[RNNCell, ...]
    _: KW_ONLY
    state_is_tuple: bool = True
    places: tuple[int, ...] = field(init=False, repr=False)  # of each cell: where its object stands first

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
    def takes_integers(self):
        return self.cells[0].takes_integers

    @property
    def state_size(self):
        if not self.state_is_tuple:
            return sum(tree_leaves(tuple(cell.state_size for cell in self.cells)))
        return tuple(cell.state_size for cell in self.cells)

    @property
    def output_size(self):
        return self.cells[-1].output_size

    def input_sizes(self, input_size):
        """Features of what each cell reads."""
        return [input_size, *(cell.output_size for cell in self.cells[:-1])]

    def param_shapes(self, input_size):
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

    def init_params(self, input_size, rng=0, dtype="float32"):
        """Fresh parameters, drawn from the lowest cell upwards."""
        self.param_shapes(input_size)
        rng, params = np.random.default_rng(rng), {}
        for i, (cell, first, size) in enumerate(
            zip(self.cells, self.places, self.input_sizes(input_size), strict=True)
        ):
            if first == i:
                params |= prefixed({i: cell.init_params(size, rng, dtype)})
            else:
                message = f"MultiRNNCell: places {first} and {i} hold the same {type(cell).__name__}, and share its"
                warnings.warn(f"{message} parameters; make a cell for each place to keep them apart", stacklevel=2)
        return params

    def unroll(self, params, x, state, mask, options):
        if not self.state_is_tuple:
            return ConcatenatedState(replace(self, state_is_tuple=True)).unroll(params, x, state, mask, options)
        runs, states = [], state or [None] * len(self.cells)
        for i, (cell, first, s) in enumerate(zip(self.cells, self.places, states, strict=True)):
            runs.append(cell.unroll(part(first, params), x, s, mask, options.part(i)))
            x = runs[-1].outputs

        def backward(d_outputs, d_state, cut=None):
            d_params, d_initial = {}, []
            for first, run, ds in reversed(list(zip(self.places, runs, d_state, strict=True))):
                d_cell, d_outputs, initial = run.backward(d_outputs, ds, cut)
                d_initial.insert(0, initial)
                for name, d in prefixed({first: d_cell}).items():
                    d_params[name] = d_params[name] + d if name in d_params else d
            return {name: d_params[name] for name in params}, d_outputs, tuple(d_initial)

        final = tuple(run.state for run in runs)
        states = lambda: prefixed({i: run.states() for i, run in enumerate(runs)})  # noqa: E731
        gates = lambda: prefixed({i: run.gates() for i, run in enumerate(runs)})  # noqa: E731
        return CellResult(x, final, backward, states, gates)
