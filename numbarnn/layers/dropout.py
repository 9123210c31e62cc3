"""Dropout between layers."""

from dataclasses import dataclass

import numpy as np

from ..ops.dropout import keep
from ..ops.random import chosen
from .base import Layer


@dataclass(eq=False)
class Dropout(Layer):
    """In training, sets a share ``rate`` of the elements to zero and divides the rest by 1 - rate.

    Outside training, or with a rate of 0, x passes unchanged. ``rng`` is a NumPy Generator or a seed; a `Sequential`
    model passes its own. Source: Srivastava et al. 2014.
    """

    rate: float

    def __post_init__(self):
        super().__post_init__()
        good = isinstance(self.rate, int | float) and 0 <= self.rate < 1
        self._expect(good, "a rate in [0, 1)", repr(self.rate))

    def forward(self, x, training=False, rng=None, mask=None):
        if not training or self.rate == 0:
            return x, None
        self._expect(rng is not None, "rng, a NumPy Generator or a seed, in training", "None")
        kept = chosen(np.random.default_rng(rng), 1 - self.rate, x.shape)
        return keep(x, kept, 1 / (1 - self.rate)), kept

    def backward(self, saved, d_output):
        return (d_output if saved is None else keep(d_output, saved, 1 / (1 - self.rate))), {}
