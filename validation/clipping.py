"""Clips to [-bound, bound], with the derivatives that numbarnn promises at and beyond the bounds."""

import autograd.numpy as np
from autograd.extend import defvjp, primitive


def clip(x, bound):
    """Derivative 1 from -bound to bound, both included, else 0: TensorFlow's composition of minimum and maximum."""
    return np.where(x > bound, bound, np.where(x < -bound, -bound, x))


def bounded(z, f, bound):
    """A pre-activation as ONNX' attribute `clip` has it, by the function "clip" of `f`; None is no bound."""
    return z if bound is None else f["clip"](z, bound)


@primitive
def straight_through(x, bound):
    """Derivative 1 everywhere, as TensorFlow's fused LSTM has it: not that of the value."""
    return np.clip(x, -bound, bound)


defvjp(straight_through, lambda answer, x, bound: lambda gradient: gradient, argnums=(0,))
