"""Gated recurrent unit, reset after the product: Cho et al. (2014), arXiv 1406.1078 version 1; PyTorch, Keras 3."""

import autograd.numpy as np

from ..activations import SOME
from ..clipping import bounded
from .gru import projected

CELL = "ResetAfterGRUCell"
OPTIONS = {
    "activation": SOME,
    "recurrent_activation": SOME,
    "use_bias": (False,),
    "update": ("seed",),
    "num_proj": (3, 9),
    "proj_clip": (0.2,),
    "preactivation_clip": (0.5, 0.2),
}
REQUIRES = {"proj_clip": {"num_proj": 3}}
KINKS = ({"num_proj": 3, "proj_clip": 0.5}, {"preactivation_clip": 0.5})
THOROUGH = True


def step(
    params,
    x,
    state,
    f,
    *,
    activation="tanh",
    recurrent_activation="sigmoid",
    use_bias=True,
    update="keep",
    num_proj=None,
    proj_clip=None,
    preactivation_clip=None,
):
    """r is the reset gate, z the share of the old state that is kept, n the candidate, m its recurrent part.

    r_t = sigma(x_t W_r + h_{t-1} U_r + b_r)
    z_t = sigma(x_t W_z + h_{t-1} U_z + b_z)
    m_t = h_{t-1} U_n + b_m
    n_t = phi(x_t W_n + b_n + r_t * m_t)
    s_t = z_t * s_{t-1} + (1 - z_t) * n_t
    h_t = clip(s_t W_p)                             without projection h and s are one

    With update="seed", z is the share of the candidate: s_t = z_t * n_t + (1 - z_t) * s_{t-1}.
    `preactivation_clip` bounds what sigma and phi are taken of.
    """
    phi, sigma = f[activation], f[recurrent_activation]
    W_r, W_z, W_n = np.split(params["kernel"], 3, axis=1)
    U_r, U_z, U_n = np.split(params["recurrent_kernel"], 3, axis=1)
    b_r, b_z, b_n, b_m = np.split(params["bias"], 4) if use_bias else (0.0, 0.0, 0.0, 0.0)
    h, s = state["h"], state["h" if num_proj is None else "s"]

    r = sigma(bounded(x @ W_r + h @ U_r + b_r, f, preactivation_clip))
    z = sigma(bounded(x @ W_z + h @ U_z + b_z, f, preactivation_clip))
    m = h @ U_n + b_m
    n = phi(bounded(x @ W_n + b_n + r * m, f, preactivation_clip))
    keep = z if update == "keep" else 1 - z
    gates = {"r": r, "z": z, "n": n, "m": m}
    return projected(keep * s + (1 - keep) * n, params, f, num_proj, proj_clip, gates)
