"""An affine map in front of a cell (InputProjectionWrapper of TensorFlow 1)."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np

from ..engines.interface import CellResult, RunOptions
from ..ops import activations, linear
from ..runtime.planned_memory import PlannedInputs, PlannedMemory
from .base import ParametrisedWrapper, check_floats, check_sizes, zero_masked


@dataclass(frozen=True)
class InputProjectionWrapper(ParametrisedWrapper):
    """Project the inputs before a cell reads them.

    The cell reads activation(x projection_kernel + projection_bias), computed as one product over all steps. The states
    are those of `cell`.

    Parameters
    ----------
    cell : RNNCell
        The inner cell.
    num_proj : int
        Features of the projection.
    activation : str, optional
        Name of the activation; linear by default.

    Raises
    ------
    InputError
        For a size that is not a positive integer, an unknown activation, or a cell that takes integers.

    Notes
    -----
    Parameters: projection_kernel (I, num_proj), glorot uniform, and projection_bias (num_proj,), zeros; those of `cell`
    are called "cell/...".

    References
    ----------
    ``tf.contrib.rnn.InputProjectionWrapper`` of TensorFlow 1.
    """

    num_proj: int
    _: KW_ONLY
    activation: str | None = None

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, num_proj=self.num_proj)
        check_floats(self, "the projection")
        activations.check(type(self).__name__, self.activation)

    def own_shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        return {"projection_kernel": (input_size, self.num_proj), "projection_bias": (self.num_proj,)}

    def inner_size(self, input_size: int) -> int:
        return self.num_proj

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        kernel, activation = params["projection_kernel"], self.activation or "linear"
        product_backward, z, y = linear.forward(x, kernel, params["projection_bias"], activation)
        run = self.unroll_inner(params, zero_masked(y, mask), state, mask, options)

        def backward(d_outputs, d_state, cut=None):
            # dy is zero at masked steps
            d_params, dy, d_initial = run.backward(d_outputs, d_state, cut)
            dx, d_kernel, d_bias = product_backward(activations.gradient(activation, z, y, dy))
            return {"projection_kernel": d_kernel, "projection_bias": d_bias} | d_params, dx, d_initial

        return replace(run, backward=backward)

    def plan_memory(self, memory: PlannedMemory, inputs: PlannedInputs, options: RunOptions) -> Callable[[], Any]:
        rows, widths = inputs.steps * inputs.batch, (inputs.features, self.num_proj)
        activation = self.activation or "linear"
        backward_of_map = linear.plan_memory(memory, rows, *widths, activation, inputs.dtype)
        projected = inputs._replace(features=self.num_proj)
        if inputs.masked:
            projected.array(memory, "outputs", self.num_proj)
        backward_of_cell = self.cell.plan_memory(memory.part("cell"), projected, options)

        def backward():
            backward_of_cell()
            backward_of_map()

        return backward
