"""Intersection RNN: Collins, Sohl-Dickstein and Sussillo (2017), arXiv 1611.09913; TensorFlow 1 contrib."""

import autograd.numpy as np

from ..activations import FEW

CELL = "IntersectionRNNCell"
OPTIONS = {"forget_bias": (0.0, -0.5), "y_activation": ("tanh", *FEW)}
GATES = ("gh", "h", "gy", "y")


def fit(shape, options):
    """Inputs are as wide as outputs; in large shapes some number would always be near a kink."""
    return shape._replace(I=shape.H, T=min(shape.T, 12), B=min(shape.B, 29)), options


def blocks(name, options):
    return GATES, -1


def step(params, x, state, f, *, forget_bias=1.0, y_activation="relu"):
    """The gates gh and gy let the state h and the input x pass.

    h_t = gh_t * h_{t-1} + (1 - gh_t) * tanh(x_t W_h + h_{t-1} U_h + b_h)
    y_t = gy_t * x_t + (1 - gy_t) * phi(x_t W_y + h_{t-1} U_y + b_y)
    """
    h = state["h"]
    z_gh, z_h, z_gy, z_y = np.split(x @ params["kernel"] + h @ params["recurrent_kernel"] + params["bias"], 4, axis=1)
    gh, gy = f["sigmoid"](z_gh + forget_bias), f["sigmoid"](z_gy + forget_bias)
    n, u = f["tanh"](z_h), f[y_activation](z_y)
    return gy * x + (1 - gy) * u, {"h": gh * h + (1 - gh) * n}, dict(zip(GATES, (gh, n, gy, u), strict=True))
