"""Activations of whole arrays, and their gradients."""

import numpy as np

from .. import maths
from ..activations import Activation, derivative_of, function_of, named
from ..autodiff import derived_gradient
from ..errors import InputError


def softmax(x):
    """Compute exp(x) over its sum along the last axis."""
    exp = np.exp(x - x.max(axis=-1, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)


def d_softmax(y, d_y):
    """Compute the gradient of softmax's input from that of its value."""
    return y * (d_y - (d_y * y).sum(axis=-1, keepdims=True))


def log_softmax(x):
    """Compute the logarithm of softmax."""
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def d_log_softmax(y, d_y):
    """Compute the gradient of log_softmax's input from that of its value."""
    return d_y - np.exp(y) * d_y.sum(axis=-1, keepdims=True)


OF_ROWS = {"softmax": (softmax, d_softmax), "log_softmax": (log_softmax, d_log_softmax)}  # not of single numbers
OTHERWISE = {"swish": "silu", "hard_swish": "hard_silu"}  # Keras has two names of each
NAMES = (*maths.ACTIVATIONS, *OF_ROWS)


# far out, on both sides of zero, and near the corners of every activation
POINTS = np.array([-1e3, -30.0, -8.0, -3.5, -2.6, -1.5, -0.7, -0.1, 0.0, 0.2, 0.9, 1.7, 2.4, 3.2, 7.0, 30.0, 1e3])


def name_of(caller, activation):
    """Return an activation's name: "linear" for None, for a function that of the activation with its values.

    Functions are those such as `tf.nn.relu` or `np.tanh`; raise `InputError` for any other one. An activation with
    parameters stays what it is.
    """
    if isinstance(activation, Activation):
        return named(activation)
    if not callable(activation):
        activation = "linear" if activation is None else activation
        return OTHERWISE.get(activation, activation) if isinstance(activation, str) else activation
    try:
        with np.errstate(all="ignore"):
            values = np.asarray(activation(POINTS), float)
            for name in NAMES:
                if values.shape == POINTS.shape and np.allclose(values, apply(name, POINTS), rtol=1e-5, atol=1e-6):
                    return name
    except Exception:  # whatever a function of others raises: it is none of these
        pass
    expected = f"the name of an activation, or a function with the values of one: {', '.join(NAMES)}"
    raise InputError(f"{caller}: expected {expected}; got {activation!r}")


def check(caller, activation):
    """Return the activation's name as `name_of` does; raise `InputError` if there is none of that name."""
    name = name_of(caller, activation)
    if not isinstance(name, Activation) and name not in NAMES:
        raise InputError(f"{caller}: expected an activation out of {', '.join(NAMES)}, got {name!r}")
    return name


def apply(name, x):
    """Compute the activation of an array."""
    return OF_ROWS[name][0](x) if name in OF_ROWS else function_of(name)(x)


def gradient(name, x, y, d_y):
    """Compute the gradient of the activation's input x from that of its value y."""
    if name == "linear":
        return d_y
    if name in OF_ROWS:
        return OF_ROWS[name][1](y, d_y)
    # A derivative may choose between two Python numbers, so its dtype is set.
    d = derivative_of(name)
    return d_y * np.asarray(d(y), y.dtype) if d else np.asarray(derived_gradient(function_of(name))(x, y, d_y), y.dtype)


def plan_forward(memory, numbers, dtype):
    """Plan the memory of `apply`: the result, and two arrays on the way there."""
    y, *others = (memory.array("outputs", (numbers,), dtype.itemsize) for _ in range(3))
    memory.release(*others)
    return y


def plan_backward(memory, numbers, dtype):
    """Plan the memory of `gradient`; returns what holds the result."""
    d, *others = (memory.array("gradients of inputs", (numbers,), dtype.itemsize) for _ in range(3))
    memory.release(*others)
    return d
