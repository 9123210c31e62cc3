"""TensorFlow 1's BasicRNNCell: the simple recurrent network."""

from ..activations import FEW
from . import simple_rnn

CELL = "BasicRNNCell"
OPTIONS = {"activation": FEW}


def step(params, x, state, f, *, activation="tanh"):
    """`simple_rnn.step`."""
    return simple_rnn.step(params, x, state, f, activation=activation)
