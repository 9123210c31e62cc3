"""An affine map behind a cell (OutputProjectionWrapper of TensorFlow 1)."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np

from ..engines.interface import CellResult, RunOptions
from ..ops import activations, linear
from ..runtime.planned_memory import PlannedInputs, PlannedMemory
from .base import ParametrisedWrapper, check_sizes, zero_masked


@dataclass(frozen=True)
class OutputProjectionWrapper(ParametrisedWrapper):
    """Project the outputs of a cell.

    The output is activation(y projection_kernel + projection_bias), with the output y of `cell`, computed as one
    product over all steps; the cell feeds y back, not the projection. The states are those of `cell`.

    Parameters
    ----------
    cell : RNNCell
        The inner cell.
    output_size : int
        Features of the projection.
    activation : str, optional
        Name of the activation; linear by default.

    Raises
    ------
    InputError
        For a size that is not a positive integer, or an unknown activation.

    Notes
    -----
    Parameters: projection_kernel (H, output_size), glorot uniform, and projection_bias (output_size,), zeros; those of
    `cell`, whose outputs have H features, are called "cell/...".

    References
    ----------
    ``tf.contrib.rnn.OutputProjectionWrapper`` of TensorFlow 1.
    """

    output_size: int = 0  # pyright: ignore[reportIncompatibleMethodOverride]  # a default hides the inherited property
    _: KW_ONLY
    activation: str | None = None

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, output_size=self.output_size)
        activations.check(type(self).__name__, self.activation)

    def own_shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        return {
            "projection_kernel": (self.cell.output_size, self.output_size),
            "projection_bias": (self.output_size,),
        }

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        run = self.unroll_inner(params, x, state, mask, options)
        kernel, activation = params["projection_kernel"], self.activation or "linear"
        product_backward, z, y = linear.forward(run.outputs, kernel, params["projection_bias"], activation)

        def backward(d_outputs, d_state, cut=None):
            d = np.zeros_like(y) if d_outputs is None else zero_masked(d_outputs, mask)
            d_inner, d_kernel, d_bias = product_backward(activations.gradient(activation, z, y, d))
            d_params, dx, d_initial = run.backward(d_inner, d_state, cut)
            return {"projection_kernel": d_kernel, "projection_bias": d_bias} | d_params, dx, d_initial

        return replace(run, outputs=zero_masked(y, mask), backward=backward)

    def plan_memory(self, memory: PlannedMemory, inputs: PlannedInputs, options: RunOptions) -> Callable[[], Any]:
        backward_of_cell = self.cell.plan_memory(memory.part("cell"), inputs, options)
        rows, widths = inputs.steps * inputs.batch, (self.cell.output_size, self.output_size)
        activation = self.activation or "linear"
        backward_of_map = linear.plan_memory(memory, rows, *widths, activation, inputs.dtype)
        if inputs.masked:
            inputs.array(memory, "outputs", self.output_size)

        def backward():
            d = inputs.array(memory, "gradients", self.output_size) if inputs.masked else None
            d_inner = backward_of_map()
            backward_of_cell()
            memory.release(d, d_inner)

        return backward
