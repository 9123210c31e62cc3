"""Steps marked as padding by their value."""

from dataclasses import dataclass

import numpy as np

from .base import Layer


@dataclass(eq=False)
class Masking(Layer):
    """Masks the steps of x (batch, steps, features) in which every feature is ``mask_value``, and sets them to zero.

    A mask that x comes with is forgotten, as in Keras.
    """

    mask_value: float = 0.0

    makes_mask = True

    def __post_init__(self):
        super().__post_init__()
        good = isinstance(self.mask_value, int | float | np.number)
        self._expect(good, "mask_value to be a number", repr(self.mask_value))

    def forward(self, x, training=False, rng=None, mask=None):
        valid = self.compute_mask(x)[..., None]
        return np.where(valid, x, x.dtype.type(0)), valid

    def backward(self, saved, d_output):
        return np.where(saved, d_output, d_output.dtype.type(0)), {}

    def compute_mask(self, x, mask=None):
        return (x != self.mask_value).any(axis=-1)
