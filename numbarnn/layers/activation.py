"""The layer that applies an activation."""

from dataclasses import dataclass

from ..ops import activations
from .base import Layer


@dataclass(eq=False)
class Activation(Layer):
    """Applies an activation, by its name, to an array of any shape."""

    activation: str

    def __post_init__(self):
        super().__post_init__()
        self.activation = activations.check(self.name, self.activation)

    @property
    def last_activation(self):
        return self.activation

    def forward(self, x, training=False, rng=None, mask=None):
        y = activations.apply(self.activation, x)
        return y, (x, y)

    def pre_activation(self, saved):
        """What the activation was applied to; a loss may start there, and `backward` with it."""
        return saved[0]

    def backward(self, saved, d_output, from_pre_activation=False):
        return d_output if from_pre_activation else activations.gradient(self.activation, saved[1], d_output), {}
