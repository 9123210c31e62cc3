"""Intersection RNN, called +RNN (Collins, Sohl-Dickstein, Sussillo 2017): one gate around its step, one around its
layer.

gh = sigma(z_gh)   n = tanh(z_h)   gy = sigma(z_gy)   u = phi(z_y)      each z = x W + h R + b
h' = gh h + (1 - gh) n
y = gy x + (1 - gy) u
"""

from dataclasses import KW_ONLY, dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from .. import activations, initializers
from ..activations import Activation, function_of
from ..engines.interface import CellResult, RunOptions
from ..errors import InputError
from ..maths import sigmoid, tanh
from .base import Cell, glorot_packed, state_type
from .rnn_cell import RNNCell

BLOCKS = ("gh", "h", "gy", "y")


@dataclass(frozen=True)
class _Plain(Cell):
    """The plain cell that runs; y, which nothing reads, is its second state."""

    _: KW_ONLY
    forget_bias: float
    y_activation: str

    inputs = dict.fromkeys(BLOCKS, "xh") | {"x": "u"}
    states = ("h", "y")
    saved = BLOCKS
    last_is_output = True

    def forward(self, z: tuple, s: tuple) -> tuple[tuple, tuple]:
        phi = function_of(self.y_activation)
        gh, n, gy, u, x = sigmoid(z[0]), tanh(z[1]), sigmoid(z[2]), phi(z[3]), z[4]
        return (n + gh * (s[0] - n), u + gy * (x - u)), (gh, n, gy, u)

    @property
    def offsets(self) -> dict[str, float]:
        return {"gh": self.forget_bias, "gy": self.forget_bias}


@lru_cache
def plain_of(cell):
    """Return the plain cell of the same options."""
    return _Plain(cell.units, forget_bias=cell.forget_bias, y_activation=cell.y_activation)


@dataclass(frozen=True)
class IntersectionRNNCell(RNNCell):
    """A recurrent cell with one gate around its step and one around its layer, called +RNN.

    Its output y is partly its input, so inputs have H features. Kernels are fresh Glorot uniform as one matrix, the
    bias zero.

    Parameters
    ----------
    units : int
        Number of units H.
    forget_bias : float, default 1.0
        A constant added to the pre-activations of both gates in every run.
    y_activation : str or Activation, default "relu"
        Activation phi of the candidate of y, one of `numbarnn.activations`.

    Raises
    ------
    InputError
        `param_shapes` raises if the input size is not H.

    Notes
    -----
    ================  =======  ===================
    parameter         shape    content
    ================  =======  ===================
    kernel            (H, 4H)  blocks gh, h, gy, y
    recurrent_kernel  (H, 4H)  blocks gh, h, gy, y
    bias              (4H,)    blocks gh, h, gy, y
    ================  =======  ===================

    References
    ----------
    Collins, Sohl-Dickstein, Sussillo 2017, "Capacity and trainability in recurrent neural networks".
    TensorFlow 1, ``tf.contrib.rnn.IntersectionRNNCell``.
    """

    units: int
    _: KW_ONLY
    forget_bias: float = 1.0
    y_activation: str | Activation = "relu"

    def __post_init__(self):
        Cell.check_positive(self, "units", "integer")
        activations.check(type(self).__name__, "y_activation", self.y_activation)

    @property
    def state_size(self) -> Any:
        return state_type(("h",))(self.units)

    @property
    def output_size(self) -> int:
        return self.units

    def param_shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        H = self.units
        if input_size != H:
            caller = type(self).__name__
            raise InputError(f"{caller}: expected as many input features as units, {H}, got {input_size}")
        return {"kernel": (H, 4 * H), "recurrent_kernel": (H, 4 * H), "bias": (4 * H,)}

    def draw_params(self, input_size: int, rng: np.random.Generator, dtype: np.dtype) -> dict[str, np.ndarray]:
        shapes = self.param_shapes(input_size)
        makers = glorot_packed(self, shapes) | {"bias": initializers.zeros}
        return {name: makers[name](shape, rng, dtype) for name, shape in shapes.items()}

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        plain = plain_of(self)
        first = None if state is None else plain.State(state.h, np.zeros_like(state.h))
        run, State = plain.unroll(params, x, first, mask, options), type(self.state_size)

        def backward(d_outputs, d_state, cut=None):
            d_params, dx, initial = run.backward(d_outputs, plain.State(d_state.h, None), cut)
            return d_params, dx, State(initial.h)

        states = lambda: {"h": run.states()["h"]}  # noqa: E731
        return replace(run, state=State(run.state.h), backward=backward, states=states)
