"""All features of a sample in one vector."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..runtime.planned_memory import PlannedMemory
from ..utils.docs import inherit_parameters
from ..utils.types import Seed, Shape
from .base import Layer


@inherit_parameters
@dataclass(eq=False, repr=False)
class Flatten(Layer):
    """Put all features of a sample into one vector, the last axis fastest.

    Notes
    -----
    Input: (batch, ...). Output: (batch, features). A mask ends here.
    """

    def compute_output_shape(self, input_shape: Shape) -> Any:
        batch, *axes = input_shape
        return batch, None if None in axes else math.prod(axes)

    def forward(
        self, x: Any, training: bool = False, rng: Seed | None = None, mask: np.ndarray | None = None
    ) -> tuple[Any, Any]:
        return x.reshape(len(x), math.prod(x.shape[1:])), x.shape

    def backward(self, saved: Any, d_output: Any) -> tuple[Any, dict[str, np.ndarray]]:
        return d_output.reshape(saved), {}

    def plan_memory(self, memory: PlannedMemory, x: Any) -> tuple[Any, Callable[..., Any]]:
        output = x._replace(shape=self.compute_output_shape(x.shape), masked=False, time_major=False)
        if x.time_major:  # else the same memory
            memory.release(x.held)
            output = output._replace(held=output.hold(memory, "outputs"))
        return output, lambda: None

    def compute_mask(self, x: Any, mask: np.ndarray | None = None) -> np.ndarray | None:
        return None
