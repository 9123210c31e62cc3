"""Gated recurrent unit, reset before the product: Cho et al. (2014), arXiv 1406.1078 version 3; TensorFlow 1."""

import autograd.numpy as np

from ..activations import ACTIVATIONS

CELL = "GRUCell"
OPTIONS = {
    "activation": tuple(ACTIVATIONS),
    "recurrent_activation": tuple(ACTIVATIONS),
    "use_bias": (False,),
}


def step(params, x, state, f, *, activation="tanh", recurrent_activation="sigmoid", use_bias=True):
    """r is the reset gate, z the share of the old state that is kept, n the candidate.

    r_t = sigma(x_t W_r + h_{t-1} U_r + b_r)
    z_t = sigma(x_t W_z + h_{t-1} U_z + b_z)
    n_t = phi(x_t W_n + (r_t * h_{t-1}) U_n + b_n)
    h_t = z_t * h_{t-1} + (1 - z_t) * n_t
    """
    phi, sigma = f[activation], f[recurrent_activation]
    W_r, W_z, W_n = np.split(params["kernel"], 3, axis=1)
    U_r, U_z, U_n = np.split(params["recurrent_kernel"], 3, axis=1)
    b_r, b_z, b_n = np.split(params["bias"], 3) if use_bias else (0.0, 0.0, 0.0)
    h = state["h"]

    r = sigma(x @ W_r + h @ U_r + b_r)
    z = sigma(x @ W_z + h @ U_z + b_z)
    n = phi(x @ W_n + (r * h) @ U_n + b_n)
    h = z * h + (1 - z) * n
    return h, {"h": h}, {"r": r, "z": z, "n": n}
