"""An affine map in front of a cell (InputProjectionWrapper of TensorFlow 1)."""

from dataclasses import KW_ONLY, dataclass, replace

from ..ops import activations
from ..ops import linear as affine
from .base import ParametrisedWrapper, check_floats, check_sizes, zeroed


@dataclass(frozen=True)
class InputProjectionWrapper(ParametrisedWrapper):
    """`cell` reads activation(x projection_kernel + projection_bias), one product over all steps.

    Parameters: projection_kernel (I, num_proj), projection_bias (num_proj), fresh ones glorot uniform and zero; the
    cell's are called "cell/...". `activation` is linear by default.
    """

    num_proj: int
    _: KW_ONLY
    activation: str | None = None

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, num_proj=self.num_proj)
        check_floats(self, "the projection")
        activations.check(type(self).__name__, self.activation)

    def own_shapes(self, input_size):
        return {"projection_kernel": (input_size, self.num_proj), "projection_bias": (self.num_proj,)}

    def inner_size(self, input_size):
        return self.num_proj

    def unroll(self, params, x, state, mask, options):
        kernel, activation = params["projection_kernel"], self.activation or "linear"
        backward_of_product, _, y = affine.forward(x, kernel, params["projection_bias"], activation)
        run = self.run_inner(params, zeroed(y, mask), state, mask, options)

        def backward(d_outputs, d_state, cut=None):
            d_params, dy, initial = run.backward(d_outputs, d_state, cut)  # dy is zero where masked
            dx, d_kernel, d_bias = backward_of_product(activations.gradient(activation, y, dy))
            return {"projection_kernel": d_kernel, "projection_bias": d_bias} | d_params, dx, initial

        return replace(run, backward=backward)
