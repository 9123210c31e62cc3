"""Minimal gated unit: Zhou et al. (2016), arXiv 1603.09420, in the form of Flax (the gate after the product)."""

import autograd.numpy as np

from ..activations import FEW
from .gru import projected

CELL = "MGUCell"
OPTIONS = {
    "activation": FEW,
    "recurrent_activation": FEW[1:],
    "use_bias": (False,),
    "num_proj": (3, 9),
    "proj_clip": (0.2,),
}
REQUIRES = {"proj_clip": {"num_proj": 3}}


def step(
    params,
    x,
    state,
    f,
    *,
    activation="tanh",
    recurrent_activation="sigmoid",
    use_bias=True,
    num_proj=None,
    proj_clip=None,
):
    """f is the forget gate, n the candidate, m its recurrent part.

    f_t = sigma(x_t W_f + h_{t-1} U_f + b_f)
    m_t = h_{t-1} U_n + b_m
    n_t = phi(x_t W_n + b_n + f_t * m_t)
    s_t = f_t * s_{t-1} + (1 - f_t) * n_t           h_t = clip(s_t W_p)
    """
    W_f, W_n = np.split(params["kernel"], 2, axis=1)
    U_f, U_n = np.split(params["recurrent_kernel"], 2, axis=1)
    b_f, b_n, b_m = np.split(params["bias"], 3) if use_bias else (0.0, 0.0, 0.0)
    h, s = state["h"], state["h" if num_proj is None else "s"]

    forget = f[recurrent_activation](x @ W_f + h @ U_f + b_f)
    m = h @ U_n + b_m
    n = f[activation](x @ W_n + b_n + forget * m)
    return projected(forget * s + (1 - forget) * n, params, f, num_proj, proj_clip, {"f": forget, "n": n, "m": m})
