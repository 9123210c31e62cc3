"""The simple recurrent network of Elman (1990), "Finding structure in time"."""

from ..activations import ACTIVATIONS

CELL = "SimpleRNNCell"
OPTIONS = {"activation": tuple(ACTIVATIONS), "use_bias": (False,)}


def step(params, x, state, f, *, activation="tanh", use_bias=True):
    """h_t = phi(x_t W + h_{t-1} U + b)."""
    W, U = params["kernel"], params["recurrent_kernel"]
    b = params["bias"] if use_bias else 0.0
    h = f[activation](x @ W + state["h"] @ U + b)
    return h, {"h": h}, {}
