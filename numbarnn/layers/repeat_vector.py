"""A vector at every step."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..utils.docs import inherit_parameters
from ..utils.types import Seed, Shape
from .base import Layer


@inherit_parameters
@dataclass(eq=False, repr=False)
class RepeatVector(Layer):
    """Repeat a vector at every step.

    Parameters
    ----------
    n : int
        Number of steps.

    Notes
    -----
    Input: (batch, features). Output: (batch, n, features). A mask ends here.
    """

    n: int

    def __post_init__(self):
        super().__post_init__()
        self._expect_positive(n=self.n)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        self._expect(len(input_shape) == 2, "inputs of shape (batch, features)", input_shape)
        return input_shape[0], self.n, input_shape[1]

    def forward(
        self, x: Any, training: bool = False, rng: Seed | None = None, mask: np.ndarray | None = None
    ) -> tuple[Any, Any]:
        self._expect(x.ndim == 2, "inputs of shape (batch, features)", x.shape)
        return np.repeat(x[:, None], self.n, axis=1), None

    def backward(self, saved: Any, d_output: Any) -> tuple[Any, dict[str, np.ndarray]]:
        return d_output.sum(axis=1), {}

    def compute_mask(self, x: Any, mask: np.ndarray | None = None) -> np.ndarray | None:
        return None
