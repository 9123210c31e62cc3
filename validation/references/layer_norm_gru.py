"""GRU with layer norm: Ba, Kiros and Hinton (2016), arXiv 1607.06450; with update="seed" TensorFlow 1's."""

import autograd.numpy as np

from ..activations import FEW
from ..normalisation import layer_norm
from .gru import projected

CELL = "LayerNormGRUCell"
OPTIONS = {
    "activation": FEW,
    "recurrent_activation": FEW[1:],
    "update": ("seed",),
    "num_proj": (3, 9),
    "proj_clip": (0.2,),
    "epsilon": (0.1, 1e-3),
}
REQUIRES = {"proj_clip": {"num_proj": 3}}


def fit(shape, options):
    """Of fewer than three numbers little is left by the norm."""
    return shape._replace(H=max(shape.H, 3)), options


def step(
    params,
    x,
    state,
    f,
    *,
    activation="tanh",
    recurrent_activation="sigmoid",
    update="keep",
    num_proj=None,
    proj_clip=None,
    epsilon=1e-12,
):
    """r is the reset gate, z the share of the old state that is kept, n the candidate, m its recurrent part.

    r_t = sigma(norm(x_t W_r + h_{t-1} U_r))    z_t = sigma(norm(x_t W_z + h_{t-1} U_z))
    m_t = norm(h_{t-1} U_n)                     n_t = phi(norm(x_t W_n) + r_t * m_t)
    s_t, h_t as in `reset_after_gru`
    """
    phi, sigma = f[activation], f[recurrent_activation]
    W_r, W_z, W_n = np.split(params["kernel"], 3, axis=1)
    U_r, U_z, U_n = np.split(params["recurrent_kernel"], 3, axis=1)
    norm = lambda k, v: layer_norm(v, params["norm_scale"][k], params["norm_shift"][k], epsilon)  # noqa: E731
    h, s = state["h"], state["h" if num_proj is None else "s"]

    r = sigma(norm(0, x @ W_r + h @ U_r))
    z = sigma(norm(1, x @ W_z + h @ U_z))
    m = norm(3, h @ U_n)
    n = phi(norm(2, x @ W_n) + r * m)
    keep = z if update == "keep" else 1 - z
    gates = {"r": r, "z": z, "n": n, "m": m}
    return projected(keep * s + (1 - keep) * n, params, f, num_proj, proj_clip, gates)
