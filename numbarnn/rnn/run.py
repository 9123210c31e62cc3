"""Run a cell over a batch of sequences, and back-propagate through time.

`rnn.arguments` checks everything that a caller passes; cells and engines check nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..cells.rnn_cell import RNNCell
from ..engines.device_arrays import swap_time_batch, with_zeros
from ..engines.dispatch import DEVICES, IN_SEGMENTS
from ..engines.interface import CellResult, RunOptions
from ..engines.on_device import is_on_device
from ..errors import InputError
from ..utils.lazy import cached_property
from ..utils.padded import Padded
from ..utils.rows import rows_of
from . import truncation
from .arguments import (
    check_array,
    check_can_stay,
    check_cell,
    check_state,
    check_steps,
    check_truth_values,
    seed_path,
    valid_steps,
)
from .inputs import as_inputs, check_inputs, needs_array, unpadded
from .prepared import PreparedCell

SAVE = "all", "sqrt", "minimal"


@dataclass
class Gradients:
    """Gradients with the names, shapes and dtypes of what they belong to.

    Parameters
    ----------
    params : dict of str to ndarray
        Gradients of the parameters; for a pair of cells a pair of dictionaries.
    inputs : ndarray or None
        Gradient of the inputs; None if these are integers.
    initial_state : tuple of ndarray
        Gradients of the initial states, nested like the cell's state.
    """

    params: Any
    inputs: Any
    initial_state: Any

    def __repr__(self):
        inputs = None if self.inputs is None else np.shape(self.inputs)
        return f"Gradients(params: {_sizes(self.params)}; inputs: {inputs})"


def _sizes(params):
    """List the shapes of parameters, or of nested tuples of parameters."""
    if isinstance(params, tuple):
        return f"({'; '.join(map(_sizes, params))})"
    return ", ".join(f"{name} {np.shape(g)}" for name, g in params.items())


def forward(
    cell: RNNCell | PreparedCell,
    params: Any,
    x: Any = None,
    *,
    initial_state: Any = None,
    lengths: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    reset_mask: ArrayLike | None = None,
    time_major: bool = False,
    reverse: bool = False,
    training: bool = False,
    rng: int | np.random.Generator | None = None,
    device: str = "cpu",
    save: str = "all",
) -> Run:
    """Run a cell over a batch of sequences.

    Parameters
    ----------
    cell : RNNCell or PreparedCell
        A cell, plain or composite, such as ``nr.LSTMCell(64)``; or a prepared one, behind which ``x`` comes at once:
        ``nr.forward(nr.prepare(cell, params), x)``.
    params : dict of str to ndarray
        The cell's parameters, as ``cell.init_params`` makes them; all float32 or all float64.
    x : ndarray (B, T, I), list, or Padded
        Inputs of the parameters' dtype; (T, B, I) if ``time_major``. Integers (B, T) if the cell takes those. A list is
        converted to that dtype. Sequences (T, I) of different lengths, in a list or a `Padded`, are padded behind, and
        their lengths are ``lengths``.
    initial_state : State of ndarray (B, H), optional
        The cell's states before the first step, nested like ``cell.state_size``; zeros by default.
    lengths : array_like (B,) of int, optional
        Number of valid steps of each row, zero allowed.
    mask : ndarray (B, T) of bool, optional
        Valid steps in any pattern, laid out as ``x``; not together with ``lengths``. At other steps outputs are zero,
        the state is copied, and ``x`` is ignored.
    reset_mask : ndarray (B, T) of bool, optional
        Where it is true, all states of the row become zero before the step, valid or not, whatever the initial state,
        and no gradient passes. The state after the step before stays as it was. Not together with ``reverse``.
    time_major : bool
        Whether ``x``, the masks and the outputs have the time axis first.
    reverse : bool
        Whether each row is read from its last valid step to its first. Outputs stay where their inputs are.
    training : bool
        Whether cells that draw random numbers (dropout, zoneout) do so.
    rng : int or numpy.random.Generator, optional
        Seed of these random numbers; the same seed gives the same bits.
    device : str
        The engine: "cpu"; "numpy", slow and readable; "njit", the same as plain Numba loops; "cuda", an NVIDIA GPU,
        or "cuda tf32" with matrix products in TF32. On a GPU, x, params, states and gradients may also be arrays on
        the GPU (of PyTorch, CuPy, numba-cuda); if x is one, so is all that comes back but ``states`` and ``gates``.
    save : {"all", "sqrt", "minimal"}
        "all" keeps what the gradient needs. "sqrt" keeps the states between segments of about sqrt(T) steps, and
        `Run.backward` runs each again: the same bits for one forward pass more. "minimal" keeps outputs and the final
        state alone; `Run.backward` then starts with a pass of "sqrt". For an LSTM with (T, B, I, H) = (200, 64, 128,
        128) the peaks of the forward pass are 45, 18 and 8 MB, with the gradient 54, 31 and 31 MB. Only "cpu" has
        segments; on other devices "sqrt" is "minimal", and its gradient runs the whole pass again.

    Returns
    -------
    Run
        Outputs, final state, and gradients on request. ``x``, ``params``, the initial state and masks must stay as
        they are until the gradient has been taken.

    Raises
    ------
    InputError
        If an argument has another type, shape, dtype or value than expected.
    """
    if isinstance(cell, PreparedCell):
        if x is not None:
            raise InputError("forward: expected nr.forward(prepared, x), as a prepared cell has parameters; got others")
        cell, params, x = cell.cell, cell.params, params
    arguments, dtype = checked_arguments(
        cell, params, x, initial_state, lengths, mask, reset_mask, time_major, reverse, training, rng, device, save
    )
    return Run(cell, arguments, cell.unroll(*arguments), dtype, time_major)


def checked_arguments(
    cell: RNNCell,
    params: Any,
    x: Any,
    initial_state: Any,
    lengths: Any,
    mask: Any,
    reset_mask: Any,
    time_major: bool,
    reverse: bool,
    training: bool,
    rng: int | np.random.Generator | None,
    device: str,
    save: str,
) -> tuple[tuple, np.dtype]:
    """Return the arguments of ``cell.unroll`` and their dtype, or raise `InputError`: the checks of `forward`."""
    check_cell("forward", cell)
    caller = type(cell).__name__
    if not type(time_major) is type(reverse) is type(training) is bool:
        check_truth_values(caller, time_major=time_major, reverse=reverse, training=training)
    if save not in SAVE:
        raise InputError(f"{caller}: expected save to be 'all', 'sqrt' or 'minimal', got {save!r}")
    if not isinstance(device, str) or device not in DEVICES:
        raise InputError(f"forward: no device {device!r}; there are {', '.join(DEVICES)}")
    if needs_array(x):
        x, lengths = unpadded(cell, params, x, lengths, mask, time_major)
    x, params, dtype = check_inputs(cell, params, x, time_major)
    x = x if time_major else swap_time_batch(x)
    steps, batch = x.shape[:2]
    check_can_stay(cell, device, (x, *params.values()))
    state = check_state(cell, "initial_state", initial_state, batch, dtype)
    valid = valid_steps(caller, lengths, mask, steps, batch, time_major)
    if valid is not None:  # a NaN in padding must not reach a weight gradient
        x = with_zeros(x, valid)
    resets = check_steps(caller, "reset_mask", reset_mask, steps, batch, time_major)
    if resets is not None and reverse:
        raise InputError(
            f"{caller}: expected no reset_mask with reverse: read backwards, another step follows the reset"
        )
    segments = save != "all" and device in IN_SEGMENTS
    seed, keep = seed_path(caller, rng), save == "all" or (save == "sqrt" and segments)
    options = RunOptions(reverse, training, seed, device, keep, resets, segments, rows_of(rng))
    return (params, x, state, valid, options), dtype


@dataclass(repr=False)
class Run:
    """The result of `forward`: outputs, states, and gradients on request.

    A pickled or copied run is made anew from its arguments, with the same bits.

    Parameters
    ----------
    cell : RNNCell
        The cell that ran.
    arguments : tuple
        Arguments of ``cell.unroll``: params, x, initial state, valid steps and `RunOptions`.
    result : CellResult
        What it returned, time-major.
    dtype : dtype
        Of parameters, inputs and outputs.
    time_major : bool
        Whether the time axis comes first.
    """

    cell: RNNCell
    arguments: tuple  # of `cell.unroll`
    result: CellResult
    dtype: np.dtype
    time_major: bool

    def __reduce__(self):
        return _run_again, (self.cell, self.arguments, self.dtype, self.time_major)

    def __repr__(self):
        axes = "(time, batch, ...)" if self.time_major else "(batch, time, ...)"
        return f"Run({self.cell!r}: outputs {self.outputs.shape} {axes}, {self.dtype.name})"

    def _swapped(self, array):
        """Convert between the layout of the caller and time-major."""
        return array if self.time_major or array is None else swap_time_batch(array)

    @cached_property
    def outputs(self) -> np.ndarray:
        """Outputs (B, T, output_size), or (T, B, output_size) if time-major; a view, not always contiguous.

        The gradient reads the same memory, so NumPy arrays are read-only: copy them to change them.
        """
        outputs = self._swapped(self.result.outputs)
        if type(outputs) is np.ndarray:
            outputs = outputs.view() if self.time_major else outputs
            outputs.flags.writeable = False
        return outputs

    @property
    def mask(self) -> np.ndarray | None:
        """Valid steps (B, T), laid out as the outputs; None: all."""
        return self._swapped(self.arguments[3])

    @property
    def state(self) -> Any:
        """The final state, after each row's last valid step; a `State` of (B, H) arrays, nested for composite cells."""
        return self.result.state

    @property
    def states(self) -> dict[str, np.ndarray]:
        """{name: (B, T, H)}: every state after each step."""
        return {name: self._swapped(a) for name, a in self.result.states().items()}

    @property
    def gates(self) -> dict[str, np.ndarray]:
        """{name: (B, T, H)}: each gate's value in each step, zero where masked; empty for a cell without gates."""
        return {name: self._swapped(a) for name, a in self.result.gates().items()}

    def backward(
        self,
        d_outputs: ArrayLike | None = None,
        d_state: Any = None,
        *,
        truncate: tuple[int, int] | None = None,
        loss_scope: str = "new",
    ) -> Gradients:
        """Back-propagate through time, in full or truncated; a run may be asked more than once.

        Parameters
        ----------
        d_outputs : ndarray, optional
            Gradient of the loss with respect to the outputs, of their shape and dtype; None: zero.
        d_state : State of (ndarray or None), optional
            Gradient of the loss with respect to the final state, nested like it; None: zero.
        truncate : (k1, k2), optional
            Truncated BPTT, k2 >= k1: a sum over backward passes. One ends after every k1 steps and after the last, and
            goes back over the k2 steps before; the state before these is a constant. Steps count in the order of
            reading, masked ones too.
        loss_scope : {"new", "window"}
            Which ``d_outputs`` a pass of truncated BPTT takes: those of the steps since the pass before [1]_, or
            those of all its k2 steps [2]_. ``d_state`` belongs to the last pass.

        Returns
        -------
        Gradients
            Gradients of parameters, inputs and initial state.

        Raises
        ------
        InputError
            If a gradient has another shape or dtype than expected, or ``truncate`` is no pair with k2 >= k1 > 0.

        Notes
        -----
        Windows that do not overlap share a walk: truncated BPTT takes ceil(k2 / k1) walks back, or one more if k1
        does not divide T, with the forward pass again between them.

        References
        ----------
        .. [1] R. J. Williams, J. Peng, "An efficient gradient-based algorithm for on-line training of recurrent
           network trajectories", Neural Computation 2 (1990).
        .. [2] I. Sutskever, "Training recurrent neural networks", PhD thesis, University of Toronto (2013).
        """
        caller, batch = type(self.cell).__name__, self.result.outputs.shape[1]
        if d_outputs is not None:
            d_outputs = self._swapped(check_array(caller, "d_outputs", d_outputs, self.outputs.shape, self.dtype))
        d_state = check_state(self.cell, "d_state", d_state, batch, self.dtype, partial=True)
        d_state = self.cell.no_gradient if d_state is None else d_state
        if truncate is None:
            params, inputs, initial = self.result.backward(d_outputs, d_state)
        else:
            k1, k2 = truncation.check_truncate(caller, truncate, loss_scope)
            if is_on_device(self.result.outputs):
                raise InputError(f"{caller}: truncate takes NumPy arrays; on a GPU pass the state from chunk to chunk")
            passes = truncation.windows(len(self.result.outputs), k1, k2, loss_scope)
            reverse = self.arguments[4].reverse
            params, inputs, initial = truncation.gradient(self.result, d_outputs, d_state, passes, reverse)
        return Gradients(params, self._swapped(inputs), initial)


def _run_again(cell, arguments, dtype, time_major):
    return Run(cell, arguments, cell.unroll(*arguments), dtype, time_major)


def step(cell: RNNCell, params: dict[str, Any], x: ArrayLike, state: Any = None, **options) -> tuple[np.ndarray, Any]:
    """Run a cell over one time step.

    Parameters
    ----------
    cell : RNNCell
    params : dict of str to ndarray
    x : ndarray (B, I)
        Inputs of the step; integers (B,) if the cell takes those.
    state : State of ndarray (B, H), optional
        The states before the step; zeros by default.
    **options
        Options of `forward`.

    Returns
    -------
    output : ndarray (B, output_size)
    state : State of ndarray (B, H)
        The states after the step.
    """
    given: Any = x if type(x) is np.ndarray else as_inputs(cell, params, x)
    rank = 1 if cell.takes_integers else 2
    if isinstance(given, Padded) or given.ndim != rank:
        expected = "(batch,)" if rank == 1 else "(batch, features)"
        got = f"{len(given)} sequences" if isinstance(given, Padded) else given.shape
        raise InputError(f"{type(cell).__name__}: expected a step's inputs of shape {expected}, got {got}")
    run = forward(cell, params, given[None], initial_state=state, time_major=True, save="minimal", **options)
    return run.outputs[0], run.state
