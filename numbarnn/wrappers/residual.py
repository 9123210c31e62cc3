"""The input added to the output (He et al. 2016; ResidualWrapper of TensorFlow 1)."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from .base import Wrapper, check_floats, check_same_size, zeroed


@dataclass(frozen=True)
class ResidualWrapper(Wrapper):
    """Output x + y, where y is the output of `cell` for the input x; so both have the same size.

    `residual_fn`: a pair of functions instead of the sum: `function(x, y)` gives the output, and `gradient(x, y,
    d_output)` the gradients of x and y; arrays (T, B, n), and outputs of the size of y. Parameters and states are the
    cell's.
    """

    residual_fn: tuple[Callable, Callable] | None = None

    def __post_init__(self):
        super().__post_init__()
        check_floats(self, "the sum")
        pair = self.residual_fn
        if pair is not None and not (isinstance(pair, tuple) and len(pair) == 2 and all(map(callable, pair))):
            raise InputError(f"ResidualWrapper: expected residual_fn to be a pair (function, gradient), got {pair!r}")

    def param_shapes(self, input_size):
        if self.residual_fn is None:
            check_same_size(self, input_size)
        return super().param_shapes(input_size)

    def unroll(self, params, x, state, mask, options):
        run = self.cell.unroll(params, x, state, mask, options)
        function, gradient = self.residual_fn or (np.add, lambda x, y, d: (d, d))
        outputs = np.asarray(function(x, run.outputs))
        if outputs.shape != run.outputs.shape or outputs.dtype != x.dtype:
            expected = f"{x.dtype} of shape {run.outputs.shape}"
            raise InputError(
                f"ResidualWrapper: expected {expected} of residual_fn, got {outputs.dtype} {outputs.shape}"
            )

        def backward(d_outputs, d_state, cut=None):
            if d_outputs is None:
                return run.backward(None, d_state, cut)
            direct, dy = gradient(x, run.outputs, zeroed(d_outputs, mask))
            d_params, dx, initial = run.backward(dy, d_state, cut)
            return d_params, dx + direct, initial

        return replace(run, outputs=zeroed(outputs, mask), backward=backward)
