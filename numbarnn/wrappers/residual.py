"""The input added to the output (He et al. 2016; ResidualWrapper of TensorFlow 1)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from ..autodiff import derive
from ..engines.interface import CellResult, RunOptions
from ..errors import InputError
from ..runtime.planned_memory import PlannedInputs, PlannedMemory
from .base import Wrapper, check_floats, check_same_size, zero_masked


@lru_cache
def derived_gradient(function: Callable) -> Callable:
    """Derive the gradient of `function(x, y)` if it is a formula of single numbers, or raise `InputError`."""
    needs = "ResidualWrapper: expected residual_fn to be a formula of single numbers, or a pair (function, gradient)"
    try:
        equations = derive(
            lambda z, s: ((function(*z),), ()), inputs={"x": "x", "y": "h"}, states=("s",), caller="residual_fn"
        )
    except Exception as error:  # whatever a function of others raises
        raise InputError(f"{needs}; {error}") from error

    def gradient(x, y, d):
        nothing = (np.zeros_like(y),)
        outputs, saved = equations.forward((x, y), nothing)
        (dx, dy), _ = equations.backward(saved, nothing, outputs, (d,))
        return np.broadcast_to(dx, x.shape), np.broadcast_to(dy, y.shape)

    # to find out sums and the like
    x, y = np.random.default_rng(0).standard_normal((2, 2, 3, 4))
    (expected,), _ = equations.forward((x, y), (np.zeros_like(y),))
    if not np.array_equal(np.shape(function(x, y)), x.shape) or not np.allclose(function(x, y), expected):
        raise InputError(f"{needs}; on arrays it computes something else")
    return gradient


@dataclass(frozen=True)
class ResidualWrapper(Wrapper):
    """Add the input of a cell to its output.

    The output is x + y, with the input x and the output y of `cell`, which have the same size. Parameters and states
    are those of `cell`.

    Parameters
    ----------
    cell : RNNCell
        The inner cell.
    residual_fn : callable or tuple of two callables, optional
        What to compute instead of the sum: ``function(x, y)`` returns the outputs, in the shape and dtype of y. Its
        gradient is derived if it is a formula of single numbers, as `nr.Cell` takes them. Any other function comes in
        a pair (function, gradient): ``gradient(x, y, d_outputs)`` returns the gradients of x and y. All arrays are
        (T, B, n).

    Raises
    ------
    InputError
        If `cell` takes integers, or `residual_fn` is neither such a pair nor a function with a gradient that can be
        derived; on `init_params` and `nr.forward` if the sizes differ, or `function` returns another shape or dtype.

    References
    ----------
    He et al. 2016, "Deep residual learning for image recognition"; ``tf.nn.rnn_cell.ResidualWrapper`` of TensorFlow 1.
    """

    residual_fn: Callable | tuple[Callable, Callable] | None = None

    def __post_init__(self):
        super().__post_init__()
        check_floats(self, "the sum")
        pair = self.residual_fn
        if callable(pair):
            # raises if there is none
            derived_gradient(pair)
        elif pair is not None and not (isinstance(pair, tuple) and len(pair) == 2 and all(map(callable, pair))):
            raise InputError(f"ResidualWrapper: expected residual_fn to be a pair (function, gradient), got {pair!r}")

    @property
    def _function_and_gradient(self) -> tuple[Callable, Callable]:
        if self.residual_fn is None:
            return np.add, lambda x, y, d: (d, d)
        return (
            (self.residual_fn, derived_gradient(self.residual_fn)) if callable(self.residual_fn) else self.residual_fn
        )

    def param_shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        if self.residual_fn is None:
            check_same_size(self, input_size)
        return super().param_shapes(input_size)

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        run = self.cell.unroll(params, x, state, mask, options)
        function, gradient = self._function_and_gradient
        outputs = np.asarray(function(x, run.outputs))
        if outputs.shape != run.outputs.shape or outputs.dtype != x.dtype:
            expected = f"{x.dtype} of shape {run.outputs.shape}"
            raise InputError(
                f"ResidualWrapper: expected {expected} of residual_fn, got {outputs.dtype} {outputs.shape}"
            )

        def backward(d_outputs, d_state, cut=None):
            if d_outputs is None:
                return run.backward(None, d_state, cut)
            direct, dy = gradient(x, run.outputs, zero_masked(d_outputs, mask))
            d_params, dx, d_initial = run.backward(dy, d_state, cut)
            return d_params, dx + direct, d_initial

        return replace(run, outputs=zero_masked(outputs, mask), backward=backward)

    def plan_memory(self, memory: PlannedMemory, inputs: PlannedInputs, options: RunOptions) -> Callable[[], Any]:
        if self.residual_fn is not None:
            return super().plan_memory(memory, inputs, options)
        width = self.output_size
        backward_of_cell = self.cell.plan_memory(memory, inputs, options)
        outputs = inputs.array(memory, "outputs", width)
        if inputs.masked:
            inputs.array(memory, "outputs", width)
            memory.release(outputs)

        def backward():
            direct = inputs.array(memory, "gradients", width) if inputs.masked else None
            backward_of_cell()
            inputs.array(memory, "gradients", inputs.features)
            memory.release(direct)

        return backward
