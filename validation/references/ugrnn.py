"""Update gate RNN: Collins, Sohl-Dickstein and Sussillo (2016), arXiv 1611.09913."""

import autograd.numpy as np

from ..activations import FEW
from .gru import projected

CELL = "UGRNNCell"
OPTIONS = {
    "forget_bias": (0.0, -0.5),
    "activation": FEW,
    "use_bias": (False,),
    "num_proj": (3, 9),
    "proj_clip": (0.2,),
}
REQUIRES = {"proj_clip": {"num_proj": 3}}
KINKS = ({"num_proj": 3, "proj_clip": 0.5, "forget_bias": 0.0},)


def step(params, x, state, f, *, forget_bias=1.0, activation="tanh", use_bias=True, num_proj=None, proj_clip=None):
    """g is the update gate, c the candidate.

    g_t = sigma(x_t W_g + h_{t-1} U_g + b_g + forget_bias)    c_t = phi(x_t W_c + h_{t-1} U_c + b_c)
    s_t = g_t * s_{t-1} + (1 - g_t) * c_t                      h_t = clip(s_t W_p)
    """
    W_g, W_c = np.split(params["kernel"], 2, axis=1)
    U_g, U_c = np.split(params["recurrent_kernel"], 2, axis=1)
    b_g, b_c = np.split(params["bias"], 2) if use_bias else (0.0, 0.0)
    h, s = state["h"], state["h" if num_proj is None else "s"]

    g = f["sigmoid"](x @ W_g + h @ U_g + b_g + forget_bias)
    c = f[activation](x @ W_c + h @ U_c + b_c)
    return projected(g * s + (1 - g) * c, params, f, num_proj, proj_clip, {"g": g, "c": c})
