"""A vector at every step."""

from dataclasses import dataclass

import numpy as np

from .base import Layer


@dataclass(eq=False)
class RepeatVector(Layer):
    """x (batch, features) n times over: (batch, n, features). A mask ends here."""

    n: int

    def __post_init__(self):
        super().__post_init__()
        self._expect_positive(n=self.n)

    def compute_output_shape(self, input_shape):
        self._expect(len(input_shape) == 2, "inputs of shape (batch, features)", input_shape)
        return input_shape[0], self.n, input_shape[1]

    def forward(self, x, training=False, rng=None, mask=None):
        self._expect(x.ndim == 2, "inputs of shape (batch, features)", x.shape)
        return np.repeat(x[:, None], self.n, axis=1), None

    def backward(self, saved, d_output):
        return d_output.sum(axis=1), {}

    def compute_mask(self, x, mask=None):
        return None
