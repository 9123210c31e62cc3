"""Long short-term memory: Hochreiter and Schmidhuber (1997), forget gate by Gers, Schmidhuber and Cummins (2000),
peepholes by Gers and Schmidhuber (2000), projection by Sak, Senior and Beaufays (2014)."""

import autograd.numpy as np

from ..activations import SOME
from ..clipping import bounded
from ..projection import project

CELL = "LSTMCell"
OPTIONS = {
    "activation": SOME,
    "recurrent_activation": SOME,
    "forget_bias": (1.0, -0.5),
    "use_bias": (False,),
    "use_peepholes": (True,),
    "cell_clip": (0.5, 0.2),
    "clip_gradient": ("straight_through",),
    "num_proj": (3, 9),
    "proj_clip": (0.1, 0.3),
    "output_activation": ("relu", "gelu"),
    "preactivation_clip": (0.5, 0.2),
}
REQUIRES = {"clip_gradient": {"cell_clip": 0.5}, "proj_clip": {"num_proj": 3}}
KINKS = (
    {"cell_clip": 0.5},
    {"cell_clip": 0.5, "clip_gradient": "straight_through"},
    {"activation": "linear", "num_proj": 3, "proj_clip": 0.25},
    {"preactivation_clip": 0.5},
)
THOROUGH = True


def exact(options):
    return options.get("clip_gradient") != "straight_through"


def step(
    params,
    x,
    state,
    f,
    *,
    activation="tanh",
    recurrent_activation="sigmoid",
    forget_bias=0.0,
    use_bias=True,
    use_peepholes=False,
    cell_clip=None,
    clip_gradient="exact",
    num_proj=None,
    proj_clip=None,
    output_activation=None,
    preactivation_clip=None,
):
    """i, f, o are the input, forget and output gates, g the candidate, c the cell state, p the peepholes.

    i_t = sigma(x_t W_i + h_{t-1} U_i + b_i + p_i * c_{t-1})
    f_t = sigma(x_t W_f + h_{t-1} U_f + b_f + p_f * c_{t-1} + forget_bias)
    g_t = phi(x_t W_g + h_{t-1} U_g + b_g)
    c_t = clip(f_t * c_{t-1} + i_t * g_t)
    o_t = sigma(x_t W_o + h_{t-1} U_o + b_o + p_o * c_t)
    h_t = clip((o_t * phi(c_t)) W_p)

    `preactivation_clip` bounds what sigma and phi of g are taken of.
    """
    phi, sigma = f[activation], f[recurrent_activation]
    W_i, W_f, W_g, W_o = np.split(params["kernel"], 4, axis=1)
    U_i, U_f, U_g, U_o = np.split(params["recurrent_kernel"], 4, axis=1)
    b_i, b_f, b_g, b_o = np.split(params["bias"], 4) if use_bias else (0.0, 0.0, 0.0, 0.0)
    p_i, p_f, p_o = params["peephole"] if use_peepholes else (0.0, 0.0, 0.0)
    h, c = state["h"], state["c"]

    i = sigma(bounded(x @ W_i + h @ U_i + b_i + p_i * c, f, preactivation_clip))
    forget = sigma(bounded(x @ W_f + h @ U_f + b_f + p_f * c + forget_bias, f, preactivation_clip))
    g = phi(bounded(x @ W_g + h @ U_g + b_g, f, preactivation_clip))
    c = forget * c + i * g
    if cell_clip is not None:
        c = f["clip" if clip_gradient == "exact" else clip_gradient](c, cell_clip)
    o = sigma(bounded(x @ W_o + h @ U_o + b_o + p_o * c, f, preactivation_clip))
    h = project(o * f[output_activation or activation](c), params, f, proj_clip)
    return h, {"h": h, "c": c}, {"i": i, "f": forget, "g": g, "o": o}
