"""`forward`: run a cell over a batch of sequences; `Run`: the result, and its gradient by BPTT.

Everything a caller passes is checked here, by `checks`; cells and engines check nothing.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..engines.device_arrays import swap_time_batch, with_zeros
from ..engines.dispatch import DEVICES
from ..engines.interface import CellResult, RunOptions
from ..engines.on_device import is_on_device
from ..errors import InputError
from . import truncation as windows
from .arguments import (
    check_array,
    check_can_stay,
    check_cell,
    check_params,
    check_state,
    check_steps,
    checked_inputs,
    seed_path,
    valid_steps,
)


@dataclass
class Gradients:
    """Gradients with the names and shapes of what they belong to."""

    params: dict
    inputs: np.ndarray
    initial_state: tuple


def forward(
    cell,
    params,
    x,
    *,
    initial_state=None,
    lengths=None,
    mask=None,
    reset_mask=None,
    time_major=False,
    reverse=False,
    training=False,
    rng=None,
    device="cpu",
    save="all",
):
    """Run `cell` over the sequences x (B, T, I), or (T, B, I) with `time_major`; float32 or float64, as its `params`.

    `initial_state`: the cell's `State` of (B, H) arrays, zeros by default. `lengths` (B,): valid steps of each row,
    zero allowed; `mask` (B, T), laid out as x: any pattern of valid steps. At other steps outputs are zero, the
    state is copied and whatever stands in x is ignored. `reset_mask` (B, T), laid out as x: where it is true, all
    states of the row become zero (whatever the initial state) before the step, valid or not, and no gradient passes;
    the state after the step before stays what it was. `reverse` walks each row from its last valid step to its first;
    outputs stay where their inputs are, and there are no resets. `training` and `rng` (a seed) concern cells that draw
    random numbers. `save`: "all" keeps what the gradient needs, "minimal" does not, and `Run.backward` then runs the
    forward pass again. `device`: "cpu"; "numpy", the slow and readable engine; "cuda", an NVIDIA GPU, or "cuda tf32"
    with matrix products in TF32. There x, params, states and gradients may also be arrays on the GPU (of PyTorch,
    CuPy, numba-cuda); where x is one, so is all that comes back but `states` and `gates`. x and params must stay as
    they are until the gradient has been taken. Raises `InputError`.
    """
    check_cell("forward", cell)
    caller = type(cell).__name__
    if save not in ("all", "minimal"):
        raise InputError(f"{caller}: expected save to be 'all' or 'minimal', got {save!r}")
    if device not in DEVICES:
        raise InputError(f"forward: no device {device!r}; there are {', '.join(DEVICES)}")
    x = checked_inputs(cell, x, time_major)
    x = x if time_major else swap_time_batch(x)
    steps, batch, *features = x.shape
    params = check_params(cell, params, *(features or [None]), dtype=None if cell.takes_integers else x.dtype)
    dtype = next(iter(params.values())).dtype if cell.takes_integers else x.dtype
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
    options = RunOptions(reverse, training, seed_path(caller, rng), device, save == "all", resets)
    return Run(cell, cell.unroll(params, x, state, valid, options), dtype, time_major, reverse)


@dataclass
class Run:
    """The result of `forward`: outputs, states, and gradients on request."""

    cell: Any
    run: CellResult
    dtype: np.dtype
    time_major: bool
    reverse: bool

    def _turn(self, array):
        """Between the layout of the caller and time-major."""
        return array if self.time_major or array is None else swap_time_batch(array)

    @cached_property
    def outputs(self):
        """Outputs (B, T, output_size), or (T, B, ...) where time-major; a view, not always contiguous."""
        return self._turn(self.run.outputs)

    @property
    def state(self):
        """The final state, after each row's last valid step; a `State` of (B, H) arrays, nested for composite cells."""
        return self.run.state

    @property
    def states(self):
        """{name: (B, T, H)}: every state after each step."""
        return {name: self._turn(a) for name, a in self.run.states().items()}

    @property
    def gates(self):
        """{name: (B, T, H)}: the value of every gate in each step, zero where masked; empty for a cell without
        gates."""
        return {name: self._turn(a) for name, a in self.run.gates().items()}

    def backward(self, d_outputs=None, d_state=None, *, truncate=None, loss_scope="new"):
        """Gradients of parameters, inputs and initial state by full BPTT, or by truncated BPTT.

        `d_outputs`: gradient of the loss with respect to the outputs, in their shape. `d_state`: with respect to
        the final state, arrays like it, each of which may be None. `truncate` (k1, k2), k2 >= k1: the sum over
        backward passes that end after every k1 steps and after the last, over the k2 steps before; the state before
        these is a constant. With `loss_scope` "new" each pass takes the d_outputs since the pass before (Williams and
        Peng 1990), with "window" all of its k2 steps (Sutskever 2013); d_state belongs to the last pass. Steps count
        in the order of reading, masked ones too. Windows that do not overlap go together, so it takes ceil(k2 / k1)
        walks back, or one more where k1 does not divide T, with the forward pass again between them. Raises
        `InputError`.
        """
        caller, batch = type(self.cell).__name__, self.run.outputs.shape[1]
        if d_outputs is not None:
            d_outputs = self._turn(check_array(caller, "d_outputs", d_outputs, self.outputs.shape, self.dtype))
        d_state = check_state(self.cell, "d_state", d_state, batch, self.dtype, partial=True)
        d_state = self.cell.no_gradient if d_state is None else d_state
        if truncate is None:
            params, inputs, initial = self.run.backward(d_outputs, d_state)
        else:
            k1, k2 = windows.check_truncate(caller, truncate, loss_scope)
            if is_on_device(self.run.outputs):
                raise InputError(f"{caller}: truncate takes NumPy arrays; on a GPU pass the state from chunk to chunk")
            passes = windows.windows(len(self.run.outputs), k1, k2, loss_scope)
            params, inputs, initial = windows.gradient(self.run, d_outputs, d_state, passes, self.reverse)
        return Gradients(params, self._turn(inputs), initial)


def step(cell, params, x, state=None, **options):
    """One time step: x (B, I) in, output (B, output_size) and the new state out."""
    x = np.asarray(x)
    rank = 1 if cell.takes_integers else 2
    if x.ndim != rank:
        expected = "(batch,)" if rank == 1 else "(batch, features)"
        raise InputError(f"{type(cell).__name__}: expected a step's inputs of shape {expected}, got {x.shape}")
    run = forward(cell, params, x[None], initial_state=state, time_major=True, save="minimal", **options)
    return run.outputs[0], run.state
