"""Independently recurrent network: Li et al. (2018), arXiv 1803.04831."""

from ..activations import FEW

CELL = "IndRNNCell"
OPTIONS = {"activation": ("tanh", *FEW), "use_bias": (False,)}


def step(params, x, state, f, *, activation="relu", use_bias=True):
    """h_t = phi(x_t W + u * h_{t-1} + b)."""
    b = params["bias"] if use_bias else 0.0
    h = f[activation](x @ params["kernel"] + params["recurrent_vector"] * state["h"] + b)
    return h, {"h": h}, {}
