"""`forward`: run a cell over a batch of sequences; `Run`: the result, and its gradient by BPTT.

Everything a caller passes is checked here; the engines (`cpu`, `plain`) check nothing.
"""

from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib import import_module
from typing import Any

import numpy as np
from numba import config

from .cells import Cell
from .errors import InputError

FLOATS = (np.dtype("float32"), np.dtype("float64"))
ENGINES = {"cpu": ".cpu.engine", "numpy": ".plain"}


@dataclass
class Gradients:
    """Gradients with the names and shapes of what they belong to."""

    params: dict
    inputs: np.ndarray
    initial_state: tuple


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


def check_params(cell, params, input_size, dtype):
    who, shapes = type(cell).__name__, shapes_of(cell, input_size)
    if not isinstance(params, dict) or params.keys() != shapes.keys():
        got = sorted(params) if isinstance(params, dict) else type(params).__name__
        raise InputError(f"{who}: expected a dict of the parameters {', '.join(shapes)}, got {got}")
    return {name: check_array(who, f"parameter {name}", params[name], shape, dtype) for name, shape in shapes.items()}


def check_state(cell, what, state, batch, dtype):
    """A tuple of (B, H) arrays; None stays None, for the whole or for one state of a gradient."""
    if state is None:
        return None
    who, names = type(cell).__name__, cell.states
    if isinstance(state, np.ndarray) or not isinstance(state, tuple | list) or len(state) != len(names):
        raise InputError(f"{who}: expected {what} to be State({', '.join(names)}), got {type(state).__name__}")
    sizes = zip(names, state, cell.state_size, strict=True)
    return tuple(s if s is None else check_array(who, f"{what}.{n}", s, (batch, size), dtype) for n, s, size in sizes)


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


@cache
def engine(device):
    if device not in ENGINES:
        raise InputError(f"forward: no device {device!r}; there are {', '.join(ENGINES)}")
    return import_module(ENGINES["numpy" if config.DISABLE_JIT else device], __package__)


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
    if not isinstance(cell, Cell):
        raise InputError(f"forward: expected a cell such as LSTMCell(units), got {type(cell).__name__}")
    who = type(cell).__name__
    if save not in ("all", "minimal"):
        raise InputError(f"{who}: expected save to be 'all' or 'minimal', got {save!r}")
    x = np.asarray(x)
    if x.dtype not in FLOATS:
        raise InputError(f"{who}: expected inputs of dtype float32 or float64, got {x.dtype}")
    x = check_array(
        who, "inputs", x, ("steps", "batch", "features") if time_major else ("batch", "steps", "features"), x.dtype
    )
    x = x if time_major else x.transpose(1, 0, 2)
    steps, batch, features = x.shape
    if features == 0:
        raise InputError(f"{who}: expected inputs of at least one feature, got shape {x.shape}")
    params = check_params(cell, params, features, x.dtype)
    state = check_state(cell, "initial_state", initial_state, batch, x.dtype)
    if state is not None and any(s is None for s in state):
        raise InputError(f"{who}: expected every array of initial_state, got None for one")
    valid = valid_steps(who, lengths, mask, steps, batch, time_major)
    if valid is not None:
        x = np.where(valid[:, :, None], x, x.dtype.type(0))  # a NaN in padding must not reach a weight gradient
    compute = engine(device if x.size else "numpy")  # nothing to do: no kernel
    trace = compute.forward(cell, params, x, state, valid, reverse, save == "all")
    return Run(compute, trace, state, time_major)


@dataclass
class Run:
    """The result of `forward`: outputs, states, and gradients on request."""

    engine: Any
    trace: Any
    initial_state: tuple | None
    time_major: bool

    def _turn(self, array):
        """Between the layout of the caller and time-major."""
        return array if self.time_major else array.transpose(1, 0, 2)

    @cached_property
    def outputs(self):
        """Outputs (B, T, H), or (T, B, H) where time-major; a view, not always contiguous."""
        return self._turn(self.trace.outputs)

    @property
    def state(self):
        """The final `State`, after each row's last valid step."""
        return self.trace.cell.State(*self.trace.state)

    def _saved(self):
        """A trace with everything kept: this one, or the same pass once more."""
        t = self.trace
        if t.saved is None:
            again = self.engine.forward(t.cell, t.params, t.x, self.initial_state, t.mask, t.reverse, True)
            t.saved = again.saved
        return t

    @property
    def states(self):
        """{name: (B, T, H)}: every state after each step."""
        return {name: self._turn(a) for name, a in self.engine.states(self._saved()).items()}

    @property
    def gates(self):
        """{name: (B, T, H)}: the value of every gate in each step, zero where masked; empty for a cell without
        gates."""
        return {name: self._turn(a) for name, a in self.engine.gates(self._saved()).items()}

    def backward(self, d_outputs=None, d_state=None):
        """Gradients of parameters, inputs and initial state by full BPTT.

        `d_outputs`: gradient of the loss with respect to the outputs, in their shape. `d_state`: with respect to
        the final state, a `State` of (B, H) arrays, each of which may be None. Raises `InputError`.
        """
        cell, x = self.trace.cell, self.trace.x
        who, batch = type(cell).__name__, x.shape[1]
        if d_outputs is not None:
            d_outputs = self._turn(check_array(who, "d_outputs", d_outputs, self.outputs.shape, x.dtype))
        d_state = check_state(cell, "d_state", d_state, batch, x.dtype) or (None,) * len(cell.states)
        params, inputs, initial = self.engine.backward(self._saved(), d_outputs, d_state)
        return Gradients(params, self._turn(inputs), cell.State(*initial))


def step(cell, params, x, state=None, device="cpu"):
    """One time step: x (B, I) in, output (B, H) and the new `State` out."""
    x = np.asarray(x)
    if x.ndim != 2:
        raise InputError(f"{type(cell).__name__}: expected a step's inputs of shape (batch, features), got {x.shape}")
    run = forward(cell, params, x[None], initial_state=state, time_major=True, save="minimal", device=device)
    return run.outputs[0], run.state
