"""Steps marked as padding by their value."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import is_number
from ..utils.docs import inherit_parameters
from ..utils.types import Seed
from .base import Layer


@inherit_parameters
@dataclass(eq=False, repr=False)
class Masking(Layer):
    """Mask the steps in which every feature has one value, and set them to zero.

    Parameters
    ----------
    mask_value : float, default 0.0
        The value of padding.

    Notes
    -----
    Input and output: floats (batch, steps, features). A mask that the input has is replaced, as in Keras.
    """

    mask_value: float | np.floating = 0.0

    makes_mask = True

    def __post_init__(self):
        super().__post_init__()
        good = is_number(self.mask_value, finite=False)
        self._expect(good, "mask_value to be a number", repr(self.mask_value))

    def forward(
        self, x: Any, training: bool = False, rng: Seed | None = None, mask: np.ndarray | None = None
    ) -> tuple[Any, Any]:
        valid = self.compute_mask(x)[..., None]
        return np.where(valid, x, x.dtype.type(0)), valid

    def backward(self, saved: Any, d_output: Any) -> tuple[Any, dict[str, np.ndarray]]:
        return np.where(saved, d_output, d_output.dtype.type(0)), {}

    def compute_mask(self, x: Any, mask: np.ndarray | None = None) -> np.ndarray:
        return (x != self.mask_value).any(axis=-1)
