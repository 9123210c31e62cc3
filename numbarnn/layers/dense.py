"""The dense layer."""

import math
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import initializers
from ..initializers import Initializer
from ..ops import activations
from ..ops import linear as affine
from ..regularizers import Regularizer
from ..runtime.planned_memory import PlannedMemory
from ..utils.docs import inherit_parameters
from ..utils.types import Seed, Shape
from .base import Layer


@inherit_parameters
@dataclass(eq=False, repr=False)
class Dense(Layer):
    """Compute activation(x kernel + bias) on the last axis of x.

    Parameters
    ----------
    units : int
        Number of outputs.
    activation : str or callable, optional
        Name of the activation, or a function with the values of one, such as ``np.tanh``; None means "linear".
    use_bias : bool, default True
        Whether there is a bias.
    kernel_initializer, bias_initializer : str or Initializer
        Initial values of the kernel and of the bias.
    kernel_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on them.
    kernel_constraint, bias_constraint : str or callable, optional
        Constraints on them.

    Notes
    -----
    Input: floats (batch, ..., features). Output: (batch, ..., units), of the same dtype. Weights: kernel (features,
    units), bias (units,).
    """

    units: int
    activation: Any = None
    _: KW_ONLY
    use_bias: bool = True
    kernel_initializer: str | Initializer = "glorot_uniform"
    bias_initializer: str | Initializer = "zeros"
    kernel_regularizer: str | Regularizer | None = None
    bias_regularizer: str | Regularizer | None = None
    kernel_constraint: str | Callable[[np.ndarray], np.ndarray] | None = None
    bias_constraint: str | Callable[[np.ndarray], np.ndarray] | None = None

    def __post_init__(self):
        super().__post_init__()
        self._expect_positive(units=self.units)
        self.activation = activations.check(self.name, self.activation)
        self._regularize_and_constrain(
            kernel=(self.kernel_regularizer, self.kernel_constraint), bias=(self.bias_regularizer, self.bias_constraint)
        )
        self.initializers = initializers.get(self.kernel_initializer), initializers.get(self.bias_initializer)

    @property
    def last_activation(self) -> str | None:
        return self.activation

    def options(self) -> dict[str, Any]:
        return {n: v for n, v in super().options().items() if (n, v) != ("activation", "linear")}

    def compute_output_shape(self, input_shape: Shape) -> Any:
        known = len(input_shape) > 1 and input_shape[-1]
        self._expect(known, "inputs of shape (batch, ..., features)", input_shape)
        return (*input_shape[:-1], self.units)

    def init_params(self, input_shape: Shape, rng: np.random.Generator, dtype: "DTypeLike") -> dict[str, np.ndarray]:
        init_kernel, init_bias = self.initializers
        params = {"kernel": initializers.draw(self.name, init_kernel, (input_shape[-1], self.units), rng, dtype)}
        if self.use_bias:
            params["bias"] = initializers.draw(self.name, init_bias, (self.units,), rng, dtype)
        return params

    def forward(
        self, x: Any, training: bool = False, rng: Seed | None = None, mask: np.ndarray | None = None
    ) -> tuple[Any, Any]:
        kernel = self.params["kernel"]
        good = x.ndim > 1 and x.shape[-1] == len(kernel) and x.dtype == kernel.dtype
        self._expect_inputs(good, kernel.dtype, f"inputs (batch, ..., {len(kernel)})", x)
        saved = affine.forward(x, kernel, self.params.get("bias"), self.activation)
        return saved[-1], saved

    def pre_activation(self, saved: Any) -> np.ndarray:
        """Return x kernel + bias; a loss may start there, and `backward` with it."""
        return saved[1]

    def backward(
        self, saved: Any, d_output: Any, from_pre_activation: bool = False
    ) -> tuple[Any, dict[str, np.ndarray]]:
        backward, z, y = saved
        d_z = d_output if from_pre_activation else activations.gradient(self.activation, z, y, d_output)
        d_x, d_kernel, d_bias = backward(d_z)
        return d_x, {"kernel": d_kernel} | ({"bias": d_bias} if self.use_bias else {})

    def plan_memory(self, memory: PlannedMemory, x: Any) -> tuple[Any, Callable[..., Any]]:
        rows, widths = math.prod(x.shape[:-1]), (x.shape[-1], self.units)
        backward = affine.plan_memory(memory, rows, *widths, self.activation, x.dtype)
        return x._replace(shape=(*x.shape[:-1], self.units), held=None), backward
