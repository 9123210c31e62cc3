"""TensorFlow 1's BasicLSTMCell: the LSTM with a forget bias of 1 added at run time."""

from ..activations import FEW
from . import lstm

CELL = "BasicLSTMCell"
OPTIONS = {"forget_bias": (0.0, -0.5), "activation": FEW}


def step(params, x, state, f, *, forget_bias=1.0, activation="tanh"):
    """`lstm.step` with sigmoid gates."""
    return lstm.step(params, x, state, f, activation=activation, forget_bias=forget_bias)
