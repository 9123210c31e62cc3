"""LSTM whose input gate is one minus its forget gate: Greff et al. (2015), arXiv 1503.04069; TensorFlow 1 contrib."""

import autograd.numpy as np

from ..activations import FEW
from ..clipping import bounded
from ..normalisation import layer_norm as normalised
from ..projection import project

CELL = "CoupledInputForgetGateLSTMCell"
OPTIONS = {
    "use_peepholes": (True,),
    "cell_clip": (0.5, 0.2),
    "num_proj": (3, 9),
    "proj_clip": (0.1,),
    "forget_bias": (0.0, -0.5),
    "activation": FEW,
    "recurrent_activation": FEW[1:],
    "output_activation": ("relu", "gelu"),
    "preactivation_clip": (0.5, 0.2),
    "layer_norm": (True,),
    "norm_gain": (0.5,),
    "norm_shift": (0.1,),
}
REQUIRES = {
    "proj_clip": {"num_proj": 3},
    "norm_gain": {"layer_norm": True},
    "norm_shift": {"layer_norm": True},
}
KINKS = (
    {"cell_clip": 0.5, "forget_bias": 0.0},
    {"activation": "linear", "num_proj": 3, "proj_clip": 0.25} | {"forget_bias": 0.0},
    {"preactivation_clip": 0.5},
)
EPSILON = 1e-12


def fit(shape, options):
    """Of fewer than three numbers little is left by the norm."""
    return shape._replace(H=max(shape.H, 3)) if options.get("layer_norm") else shape, options


def step(
    params,
    x,
    state,
    f,
    *,
    use_peepholes=False,
    cell_clip=None,
    num_proj=None,
    proj_clip=None,
    forget_bias=1.0,
    activation="tanh",
    recurrent_activation="sigmoid",
    output_activation=None,
    preactivation_clip=None,
    layer_norm=False,
    norm_gain=1.0,
    norm_shift=0.0,
):
    """f, o are the forget and output gates, g the candidate, c the cell state, p the peepholes.

    f_t = sigma(x_t W_f + h_{t-1} U_f + b_f + p_f * c_{t-1} + forget_bias)
    g_t = phi(x_t W_g + h_{t-1} U_g + b_g)
    c_t = clip(f_t * c_{t-1} + (1 - f_t) * g_t)
    o_t = sigma(x_t W_o + h_{t-1} U_o + b_o + p_o * c_t)
    h_t = clip((o_t * phi(c_t)) W_p)

    `preactivation_clip` bounds what sigma and phi of g are taken of.
    With layer_norm there is no b; each x W + h U is normalised, and so is c_t before the clip. `norm_gain` and
    `norm_shift` are those of fresh parameters.
    """
    phi, sigma = f[activation], f[recurrent_activation]
    W_f, W_g, W_o = np.split(params["kernel"], 3, axis=1)
    U_f, U_g, U_o = np.split(params["recurrent_kernel"], 3, axis=1)
    b_f, b_g, b_o = (0.0, 0.0, 0.0) if layer_norm else np.split(params["bias"], 3)
    p_f, p_o = params["peephole"] if use_peepholes else (0.0, 0.0)
    h, c = state["h"], state["c"]

    def norm(k, v):
        return normalised(v, params["norm_scale"][k], params["norm_shift"][k], EPSILON) if layer_norm else v

    z = norm(0, x @ W_f + h @ U_f + b_f) + p_f * c + forget_bias
    forget = sigma(bounded(z, f, preactivation_clip))
    g = phi(bounded(norm(1, x @ W_g + h @ U_g + b_g), f, preactivation_clip))
    c = norm(3, forget * c + (1 - forget) * g)
    if cell_clip is not None:
        c = f["clip"](c, cell_clip)
    o = sigma(bounded(norm(2, x @ W_o + h @ U_o + b_o) + p_o * c, f, preactivation_clip))
    h = project(o * f[output_activation or activation](c), params, f, proj_clip)
    return h, {"h": h, "c": c}, {"f": forget, "g": g, "o": o}
