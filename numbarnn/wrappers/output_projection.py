"""An affine map behind a cell (OutputProjectionWrapper of TensorFlow 1)."""

from dataclasses import KW_ONLY, dataclass, replace

import numpy as np

from ..ops import activations
from ..ops import linear as affine
from .base import ParametrisedWrapper, check_sizes, zeroed


@dataclass(frozen=True)
class OutputProjectionWrapper(ParametrisedWrapper):
    """Output activation(y projection_kernel + projection_bias), where y is the output of `cell`; one product over all
    steps, and nothing of it is fed back.

    Parameters: projection_kernel (H, output_size), projection_bias (output_size), fresh ones glorot uniform and zero;
    the cell's are called "cell/...". `activation` is linear by default.
    """

    output_size: int = 0  # with a default it takes the place of the property
    _: KW_ONLY
    activation: str | None = None

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, output_size=self.output_size)
        activations.check(type(self).__name__, self.activation)

    def own_shapes(self, input_size):
        return {
            "projection_kernel": (self.cell.output_size, self.output_size),
            "projection_bias": (self.output_size,),
        }

    def unroll(self, params, x, state, mask, options):
        run = self.run_inner(params, x, state, mask, options)
        kernel, activation = params["projection_kernel"], self.activation or "linear"
        backward_of_product, _, y = affine.forward(run.outputs, kernel, params["projection_bias"], activation)

        def backward(d_outputs, d_state, cut=None):
            d = np.zeros_like(y) if d_outputs is None else zeroed(d_outputs, mask)
            d_inner, d_kernel, d_bias = backward_of_product(activations.gradient(activation, y, d))
            d_params, dx, initial = run.backward(d_inner, d_state, cut)
            return {"projection_kernel": d_kernel, "projection_bias": d_bias} | d_params, dx, initial

        return replace(run, outputs=zeroed(y, mask), backward=backward)
