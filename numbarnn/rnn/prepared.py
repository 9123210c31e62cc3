"""Prepared cells: weights that are packed once, for streams, generation and short sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..cells.rnn_cell import RNNCell
from ..engines.dispatch import can_repeat, engine_params, repeated_pass
from ..engines.fixed_params import FixedParams, snapshot
from ..engines.interface import RunOptions, check_finite
from ..engines.on_device import is_on_device
from ..errors import InputError
from ..utils.arrays import plain_array
from .arguments import check_cell, check_params, check_state
from .inputs import check_inputs, features_of


class PreparedCell:
    """A cell with a copy of its parameters, whose weights are packed for the CPU once.

    `prepare` makes it. Changes of the arrays that it was made of do not reach it: prepare anew after an update. All
    results have the bits of the unprepared cell. Several threads may use it at a time.

    Attributes
    ----------
    cell : RNNCell
        The cell.
    params : dict of str to ndarray
        The copy of the parameters, read-only.
    """

    def __init__(self, cell: Any, params: FixedParams, input_size: int | None):
        self.cell, self.params = cell, params
        self._input_size, self._dtype = input_size, next((a.dtype for a in params.values()), None)
        self._repeats = can_repeat(cell)
        if self._repeats:
            self._sizes, self._State = tuple(cell.state_size), cell.State
            self._engine_params = engine_params(cell, params)
        self._free = []  # memory of the last pass, while no thread uses it

    def __reduce__(self):
        return prepare, (self.cell, dict(self.params))

    def __repr__(self):
        return f"PreparedCell({self.cell!r})"

    def step(self, x: ArrayLike, state: Any = None) -> tuple[np.ndarray, Any]:
        """Run one time step.

        Parameters
        ----------
        x : array_like (B, I)
            Inputs of the step, of the dtype of the parameters; integers (B,) if the cell takes those.
        state : State of ndarray (B, H), optional
            The states before the step, nested like the cell's; zeros by default.

        Returns
        -------
        output : ndarray (B, output_size)
            Outputs of the step.
        state : State of ndarray (B, H)
            The states after the step.

        Raises
        ------
        InputError
            If an argument has another type, shape or dtype than expected.
        """
        given: Any = x
        if self._fits(given, 2, state):
            outputs, state = self._run(1, len(given), given, state)
            return outputs[0], state
        return self.cell.step(self.params, x, state)

    def run_many(self, x: ArrayLike, state: Any = None) -> tuple[np.ndarray, Any]:
        """Run many time steps, as one compiled loop.

        It gives the bits of `step` on one input after the other, and takes less time than `nr.forward` on a short
        sequence, as it keeps nothing for a gradient.

        Parameters
        ----------
        x : array_like (T, B, I)
            Inputs of each step, of the dtype of the parameters; integers (T, B) if the cell takes those.
        state : State of ndarray (B, H), optional
            The states before the first step, nested like the cell's; zeros by default.

        Returns
        -------
        outputs : ndarray (T, B, output_size)
            Outputs of each step.
        state : State of ndarray (B, H)
            The states after the last step.

        Raises
        ------
        InputError
            If an argument has another type, shape or dtype than expected.
        """
        given: Any = x
        if self._fits(given, 3, state):
            return self._run(given.shape[0], given.shape[1], given, state)
        given, params, dtype = check_inputs(self.cell, self.params, x, time_major=True)
        state = check_state(self.cell, "state", state, given.shape[1], dtype)
        run = self.cell.unroll(params, given, state, None, RunOptions(keep=False))
        return run.outputs, run.state

    def _fits(self, x, rank, state):
        """Return whether the arrays can be copied into memory of the engine as they are."""
        if not self._repeats or type(x) is not np.ndarray:
            return False
        shape, dtype = x.shape, self._dtype
        if len(shape) != rank or shape[-1] != self._input_size or x.dtype != dtype or 0 in shape:
            return False
        if state is None:
            return True
        if type(state) is not self._State:
            return False
        rows = shape[-2]
        for array, size in zip(state, self._sizes, strict=True):
            if type(array) is not np.ndarray or array.shape != (rows, size) or array.dtype != dtype:
                return False
        return True

    def _run(self, T, B, x, state):
        """Run T steps of B rows in memory that no other thread uses; return copies of the results."""
        try:
            memory = self._free.pop()
        except IndexError:
            memory = None
        if memory is None or not memory.serves(T, B):
            memory = repeated_pass(self.cell, self._engine_params, T, B, self._input_size)
        outputs, final = memory.run(x, state)
        results = outputs.copy(), self._State(*[array.copy() for array in final])
        self._free.append(memory)
        return results


def prepare(cell: RNNCell, params: dict[str, Any]) -> PreparedCell:
    """Copy a cell's parameters and pack its weights once.

    `PreparedCell.step` and `PreparedCell.run_many` need neither checks of the parameters nor packing, which takes
    longer than the step itself from about 128 units on. ``nr.forward(prepared, x, ...)`` runs a sequence, with a
    gradient on request.

    Parameters
    ----------
    cell : RNNCell
        A cell, plain or composite. Those that compute their weights anew in each run, such as `GridLSTMCell`, pack them
        each time too.
    params : dict of str to ndarray
        The cell's parameters, as ``cell.init_params`` makes them; all float32 or all float64. They are copied: changes
        in place do not reach the prepared cell.

    Returns
    -------
    PreparedCell
        The cell with its parameters.

    Raises
    ------
    InputError
        If these are not the cell's parameters, or not finite. For a cell whose parameters do not tell the number of
        inputs, such as `GridLSTMCell`, it comes with the first run.

    Examples
    --------
    A stream of vectors, one at a time:

    >>> import numpy as np
    >>> import numbarnn as nr
    >>> cell = nr.LSTMCell(4)
    >>> prepared = nr.prepare(cell, cell.init_params(3))
    >>> state = cell.zero_state(1)
    >>> for x in np.ones((5, 1, 3), "float32"):
    ...     output, state = prepared.step(x, state)
    >>> output.shape
    (1, 4)
    >>> nr.forward(prepared, np.ones((1, 5, 3), "float32")).outputs.shape
    (1, 5, 4)
    """
    check_cell("prepare", cell)
    caller = type(cell).__name__
    if isinstance(params, dict) and any(map(is_on_device, params.values())):
        raise InputError(f"{caller}: prepare takes NumPy arrays, got one on the GPU")
    size = None if cell.takes_integers else features_of(cell, params)
    if size is not None or cell.takes_integers:
        params = check_params(cell, params, size)
    elif isinstance(params, dict) and not can_repeat(cell):  # those of a grid do not tell; `forward` checks them
        params = {name: plain_array(caller, f"parameter {name}", array) for name, array in params.items()}
    else:
        given = {name: np.shape(a) for name, a in params.items()} if isinstance(params, dict) else params
        raise InputError(f"{caller}: expected parameters as init_params makes them, got {given!r}")
    check_finite(caller, params)
    return PreparedCell(cell, snapshot(params), size)
