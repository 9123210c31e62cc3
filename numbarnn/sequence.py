"""`forward`: run a cell over a batch of sequences; `Run`: the result, and its gradient by BPTT.

Everything a caller passes is checked here; cells and engines check nothing.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from .cells.contract import How, Pass, RNNCell, nested, rebuilt
from .engines import DEVICES
from .errors import InputError

FLOATS = (np.dtype("float32"), np.dtype("float64"))


@dataclass
class Gradients:
    """Gradients with the names and shapes of what they belong to."""

    params: dict
    inputs: np.ndarray
    initial_state: tuple


def check_cell(who, cell):
    if not isinstance(cell, RNNCell):
        raise InputError(f"{who}: expected a cell such as LSTMCell(units), got {type(cell).__name__}")


def check_array(who, what, value, shape, dtype):
    """`value` as an array, or an `InputError` that says what was expected. `shape` holds sizes, or names of free
    ones."""
    array = np.asarray(value)
    if array.shape == shape and array.dtype == dtype:
        return array
    if array.ndim != len(shape) or any(
        a != n for a, n in zip(array.shape, shape, strict=True) if not isinstance(n, str)
    ):
        expected = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
        raise InputError(f"{who}: expected {what} of shape {expected}, got {array.shape}")
    if array.dtype != dtype:
        raise InputError(f"{who}: expected {what} of dtype {dtype}, got {array.dtype}")
    return array


@lru_cache
def shapes_of(cell, input_size):
    return cell.param_shapes(input_size)


def check_params(cell, params, input_size, dtype=None):
    """The parameters as arrays of `dtype`; None: of the first one's."""
    who, shapes = type(cell).__name__, shapes_of(cell, input_size)
    if not isinstance(params, dict) or params.keys() != shapes.keys():
        got = sorted(params) if isinstance(params, dict) else type(params).__name__
        raise InputError(f"{who}: expected a dict of the parameters {', '.join(shapes)}, got {got}")
    if dtype is None:
        dtype = next((np.asarray(value).dtype for value in params.values()), np.dtype("float32"))
        if dtype not in FLOATS:
            raise InputError(f"{who}: expected parameters of dtype float32 or float64, got {dtype}")
    return {name: check_array(who, f"parameter {name}", params[name], shape, dtype) for name, shape in shapes.items()}


def check_state(cell, what, state, batch, dtype, partial=False):
    """Arrays (B, size) nested like the cell's `state_size`; None stays None, for the whole, and where `partial` for
    parts too."""
    who = type(cell).__name__
    return None if state is None else _check_state(who, what, state, cell.state_size, batch, dtype, partial)


def _check_state(who, what, state, sizes, batch, dtype, partial):
    if state is None and partial:
        return nested(lambda _: None, sizes)
    if isinstance(sizes, tuple):
        names = getattr(sizes, "_fields", range(len(sizes)))
        if isinstance(state, np.ndarray) or not isinstance(state, tuple | list) or len(state) != len(sizes):
            expected = f"State({', '.join(names)})" if hasattr(sizes, "_fields") else f"a tuple of {len(sizes)} states"
            raise InputError(f"{who}: expected {what} to be {expected}, got {type(state).__name__}")
        parts = zip(names, state, sizes, strict=True)
        return rebuilt(
            sizes, [_check_state(who, f"{what}.{n}", s, size, batch, dtype, partial) for n, s, size in parts]
        )
    if state is None:
        raise InputError(f"{who}: expected an array for {what}, got None")
    return check_array(who, what, state, (batch, sizes), dtype)


def valid_steps(who, lengths, mask, steps, batch, time_major):
    """(T, B) booleans, true where a step counts; None where all do."""
    if lengths is not None and mask is not None:
        raise InputError(f"{who}: expected lengths or mask, got both")
    if lengths is not None:
        lengths = np.asarray(lengths)
        if lengths.shape != (batch,) or lengths.dtype.kind not in "iu":
            raise InputError(
                f"{who}: expected lengths to be {batch} integers, got shape {lengths.shape} of dtype {lengths.dtype}"
            )
        if batch and (lengths.min() < 0 or lengths.max() > steps):
            raise InputError(
                f"{who}: expected lengths from 0 to {steps} (the steps), got {lengths.min()} to {lengths.max()}"
            )
        return np.arange(steps)[:, None] < lengths
    if mask is not None:
        shape = (steps, batch) if time_major else (batch, steps)
        mask = check_array(who, "mask", mask, shape, np.dtype(bool))
        return mask if time_major else mask.T
    return None


def forward(
    cell,
    params,
    x,
    *,
    initial_state=None,
    lengths=None,
    mask=None,
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
    state is copied and whatever stands in x is ignored. `reverse` walks each row from its last valid step to its
    first; outputs stay where their inputs are. `training` and `rng` (a seed) concern cells that draw random
    numbers. `save`: "all" keeps what the gradient needs, "minimal" does not, and `Run.backward` then runs the
    forward pass again. `device`: "cpu", or "numpy" for the slow and readable engine. x and params must stay as they
    are until the gradient has been taken. Raises `InputError`.
    """
    check_cell("forward", cell)
    who = type(cell).__name__
    if save not in ("all", "minimal"):
        raise InputError(f"{who}: expected save to be 'all' or 'minimal', got {save!r}")
    if device not in DEVICES:
        raise InputError(f"forward: no device {device!r}; there are {', '.join(DEVICES)}")
    x = checked_inputs(cell, x, time_major)
    x = x if time_major else np.swapaxes(x, 0, 1)
    steps, batch, *features = x.shape
    params = check_params(cell, params, *(features or [None]), dtype=None if cell.takes_integers else x.dtype)
    dtype = next(iter(params.values())).dtype if cell.takes_integers else x.dtype
    state = check_state(cell, "initial_state", initial_state, batch, dtype)
    valid = valid_steps(who, lengths, mask, steps, batch, time_major)
    if valid is not None:  # a NaN in padding must not reach a weight gradient
        x = np.where(valid.reshape(valid.shape + (1,) * len(features)), x, x.dtype.type(0))
    how = How(reverse, training, seed_path(who, rng), device, save == "all")
    return Run(cell, cell.unroll(params, x, state, valid, how), dtype, time_major)


def checked_inputs(cell, x, time_major):
    """x as an array (B, T, I) of floats, or (B, T) of integers where the cell takes those."""
    who, x = type(cell).__name__, np.asarray(x)
    axes = ("steps", "batch") if time_major else ("batch", "steps")
    if cell.takes_integers:
        if x.dtype.kind not in "iu":
            raise InputError(f"{who}: expected inputs of integers, got {x.dtype}")
        return check_array(who, "inputs", x, axes, x.dtype)
    if x.dtype not in FLOATS:
        raise InputError(f"{who}: expected inputs of dtype float32 or float64, got {x.dtype}")
    x = check_array(who, "inputs", x, (*axes, "features"), x.dtype)
    if x.shape[2] == 0:
        raise InputError(f"{who}: expected inputs of at least one feature, got shape {x.shape}")
    return x


def seed_path(who, rng):
    """The start of `How.seed`: a caller's seed, or a number drawn from a caller's Generator."""
    if rng is None:
        return ()
    if isinstance(rng, np.random.Generator):
        return (int(rng.integers(1 << 63)),)
    if isinstance(rng, bool) or not isinstance(rng, int | np.integer) or rng < 0:
        raise InputError(f"{who}: expected rng to be an integer of at least 0 or a NumPy Generator, got {rng!r}")
    return (int(rng),)


@dataclass
class Run:
    """The result of `forward`: outputs, states, and gradients on request."""

    cell: Any
    run: Pass
    dtype: np.dtype
    time_major: bool

    def _turn(self, array):
        """Between the layout of the caller and time-major."""
        return array if self.time_major or array is None else np.swapaxes(array, 0, 1)

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

    def backward(self, d_outputs=None, d_state=None):
        """Gradients of parameters, inputs and initial state by full BPTT.

        `d_outputs`: gradient of the loss with respect to the outputs, in their shape. `d_state`: with respect to
        the final state, arrays like it, each of which may be None. Raises `InputError`.
        """
        who, batch = type(self.cell).__name__, self.run.outputs.shape[1]
        if d_outputs is not None:
            d_outputs = self._turn(check_array(who, "d_outputs", d_outputs, self.outputs.shape, self.dtype))
        d_state = check_state(self.cell, "d_state", d_state, batch, self.dtype, partial=True)
        d_state = self.cell.no_gradient if d_state is None else d_state
        params, inputs, initial = self.run.backward(d_outputs, d_state)
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
