"""The states of an LSTM in one array [c, h]: state_is_tuple=False of TensorFlow 1."""

import autograd.numpy as np

from ..node import Node

CELL = "ConcatenatedState"
OPTIONS = {}


def examples(shape):
    return ((Node("LSTMCell", (shape.H,)),),)


def step(cells, params, x, state, f):
    """The cell takes the array apart."""
    c, h = np.split(state["state"], 2, axis=1)
    y, state, gates = cells[0](params, x, {"h": h, "c": c})
    return y, {"state": np.concatenate([state["c"], state["h"]], axis=1)}, gates
