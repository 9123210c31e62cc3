"""A gate between input and output (Srivastava, Greff, Schmidhuber 2015; HighwayWrapper of TensorFlow's contrib).

C = sigma(x W + b)
y' = y (1 - C) + x C
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..engines.interface import CellResult, RunOptions
from ..ops import activations, linear
from .base import ParametrisedWrapper, check_floats, check_same_size, zero_masked


class HighwayWrapper(ParametrisedWrapper):
    """Carry a gated share of the input past a cell.

    The output is y (1 - C) + x C, with the input x, the output y of `cell`, which has the same size, and the carry gate
    C = sigma(x carry_kernel + carry_bias). The states are those of `cell`; `Run.gates` has "carry" besides the gates
    of `cell`.

    Parameters
    ----------
    cell : RNNCell
        The inner cell; its outputs have as many features as its inputs.

    Raises
    ------
    InputError
        If `cell` takes integers; on `init_params` and `nr.forward` if the sizes differ.

    Notes
    -----
    Parameters: carry_kernel (I, I), glorot uniform, and carry_bias (I,), ones; those of `cell` are called "cell/...".

    References
    ----------
    Srivastava, Greff and Schmidhuber 2015, "Highway networks"; ``tf.contrib.rnn.HighwayWrapper`` of TensorFlow 1.
    """

    def __post_init__(self):
        super().__post_init__()
        check_floats(self, "the gate")

    def own_shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        check_same_size(self, input_size)
        return {"carry_kernel": (input_size, input_size), "carry_bias": (input_size,)}

    def init_own(self, input_size: int, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, np.ndarray]:
        own = super().init_own(input_size, rng, dtype)
        own["carry_bias"][:] = 1
        return own

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        run = self.unroll_inner(params, x, state, mask, options)
        kernel, y = params["carry_kernel"], run.outputs
        gate_backward, z, carry = linear.forward(x, kernel, params["carry_bias"], "sigmoid")

        def backward(d_outputs, d_state, cut=None):
            d = np.zeros_like(y) if d_outputs is None else zero_masked(d_outputs, mask)
            d_params, dx, d_initial = run.backward(d * (1 - carry), d_state, cut)
            d_z = activations.gradient("sigmoid", z, carry, d * (x - y))
            dx_of_gate, d_kernel, d_bias = gate_backward(d_z)
            d_own = {"carry_kernel": d_kernel, "carry_bias": d_bias}
            return d_own | d_params, dx + d * carry + dx_of_gate, d_initial

        outputs, gates = y + carry * (x - y), lambda: {"carry": zero_masked(carry, mask)} | run.gates()
        return replace(run, outputs=outputs, backward=backward, gates=gates)
