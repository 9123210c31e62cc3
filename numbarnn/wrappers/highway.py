"""A gate between input and output (Srivastava, Greff, Schmidhuber 2015; HighwayWrapper of TensorFlow's contrib).

C = sigma(x W + b)
y' = y (1 - C) + x C
"""

from dataclasses import replace

import numpy as np

from ..ops import activations
from ..ops import linear as affine
from .base import ParametrisedWrapper, check_floats, check_same_size, zeroed


class HighwayWrapper(ParametrisedWrapper):
    """Carries a share C of the input x past `cell`, whose output y has the same size.

    Parameters: carry_kernel (I, I), carry_bias (I), fresh ones glorot uniform and 1; the cell's are called "cell/...".
    The gate is called "carry".
    """

    def __post_init__(self):
        super().__post_init__()
        check_floats(self, "the gate")

    def own_shapes(self, input_size):
        check_same_size(self, input_size)
        return {"carry_kernel": (input_size, input_size), "carry_bias": (input_size,)}

    def init_own(self, input_size, rng, dtype):
        own = super().init_own(input_size, rng, dtype)
        own["carry_bias"][:] = 1
        return own

    def unroll(self, params, x, state, mask, options):
        run = self.run_inner(params, x, state, mask, options)
        kernel, y = params["carry_kernel"], run.outputs
        backward_of_gate, _, carry = affine.forward(x, kernel, params["carry_bias"], "sigmoid")

        def backward(d_outputs, d_state, cut=None):
            d = np.zeros_like(y) if d_outputs is None else zeroed(d_outputs, mask)
            d_params, d_inner, initial = run.backward(d * (1 - carry), d_state, cut)
            d_z = activations.gradient("sigmoid", carry, d * (x - y))
            d_gate, d_kernel, d_bias = backward_of_gate(d_z)
            own = {"carry_kernel": d_kernel, "carry_bias": d_bias}
            return own | d_params, d_inner + d * carry + d_gate, initial

        outputs, gates = y + carry * (x - y), lambda: {"carry": zeroed(carry, mask)} | run.gates()
        return replace(run, outputs=outputs, backward=backward, gates=gates)
