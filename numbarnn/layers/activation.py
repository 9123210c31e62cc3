"""The layer that applies an activation."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ops import activations
from ..runtime.planned_memory import PlannedMemory
from ..utils.docs import inherit_parameters
from ..utils.types import Seed
from .base import Layer


@inherit_parameters
@dataclass(eq=False, repr=False)
class Activation(Layer):
    """Apply an activation to an array of any shape.

    Parameters
    ----------
    activation : str or callable
        Its name, "tanh", "sigmoid", "relu", "softmax" ..., or a function with the values of one, such as ``np.tanh``.
    """

    activation: Any

    def __post_init__(self):
        super().__post_init__()
        self.activation = activations.check(self.name, self.activation)

    @property
    def last_activation(self) -> str | None:
        return self.activation

    def forward(
        self, x: Any, training: bool = False, rng: Seed | None = None, mask: np.ndarray | None = None
    ) -> tuple[Any, Any]:
        y = activations.apply(self.activation, x)
        return y, (x, y)

    def pre_activation(self, saved: Any) -> np.ndarray:
        """Return what the activation was applied to; a loss may start there, and `backward` with it."""
        return saved[0]

    def backward(
        self, saved: Any, d_output: Any, from_pre_activation: bool = False
    ) -> tuple[Any, dict[str, np.ndarray]]:
        x, y = saved
        return d_output if from_pre_activation else activations.gradient(self.activation, x, y, d_output), {}

    def plan_memory(self, memory: PlannedMemory, x: Any) -> tuple[Any, Callable[..., Any]]:
        size = math.prod(x.shape)
        activations.plan_forward(memory, size, x.dtype)

        def backward(from_pre_activation: bool = False) -> Any:
            return None if from_pre_activation else activations.plan_backward(memory, size, x.dtype)

        return x._replace(held=None), backward
