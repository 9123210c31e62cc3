"""Simple recurrent unit: Lei et al. (2017), arXiv 1709.02755 version 1; TensorFlow 1 contrib."""

import autograd.numpy as np

from ..activations import FEW

CELL = "SRUCell"
OPTIONS = {"activation": FEW, "use_bias": (False,)}
KINKS = ({"activation": "relu"},)
PLANTED = False


def step(params, x, state, f, *, activation="tanh", use_bias=True):
    """f is the forget gate, r the reset gate, g the candidate, y what passes by; no product with the state.

    g_t = x_t W_g    f_t = sigma(x_t W_f + b_f)    r_t = sigma(x_t W_r + b_r)    y_t = x_t W_y
    c_t = f_t * c_{t-1} + (1 - f_t) * g_t
    h_t = r_t * phi(c_t) + (1 - r_t) * y_t
    """
    W_g, W_f, W_r, W_y = np.split(params["kernel"], 4, axis=1)
    b_f, b_r = np.split(params["bias"], 2) if use_bias else (0.0, 0.0)

    g, y = x @ W_g, x @ W_y
    forget, r = f["sigmoid"](x @ W_f + b_f), f["sigmoid"](x @ W_r + b_r)
    c = forget * state["c"] + (1 - forget) * g
    h = r * f[activation](c) + (1 - r) * y
    return h, {"h": h, "c": c}, {"g": g, "f": forget, "r": r, "y": y}
