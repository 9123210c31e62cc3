"""All features of a sample in one vector."""

import math
from dataclasses import dataclass

from .base import Layer


@dataclass(eq=False)
class Flatten(Layer):
    """x (batch, ...) as (batch, features), the last axis fastest. A mask ends here."""

    def compute_output_shape(self, input_shape):
        batch, *axes = input_shape
        return batch, None if None in axes else math.prod(axes)

    def forward(self, x, training=False, rng=None, mask=None):
        return x.reshape(len(x), math.prod(x.shape[1:])), x.shape

    def backward(self, saved, d_output):
        return d_output.reshape(saved), {}

    def compute_mask(self, x, mask=None):
        return None
