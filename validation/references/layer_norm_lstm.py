"""LSTM with layer norm: Ba, Kiros and Hinton (2016), arXiv 1607.06450, in the forms of three libraries."""

import autograd.numpy as np

from ..activations import FEW
from ..normalisation import layer_norm
from ..projection import project

CELL = "LayerNormLSTMCell"
OPTIONS = {
    "variant": ("joint", "stored"),
    "activation": FEW,
    "forget_bias": (0.0, -0.5),
    "use_peepholes": (True,),
    "cell_clip": (0.5, 0.2),
    "num_proj": (3, 9),
    "proj_clip": (0.1,),
    "epsilon": (0.1, 1e-3),
    "norm_gain": (0.5,),
    "norm_shift": (0.1,),
}
REQUIRES = {"proj_clip": {"num_proj": 3}}
EPSILON = {"per_gate": 1e-12, "joint": 1e-5, "stored": 1e-3}


def fit(shape, options):
    """Of fewer than three numbers little is left by the norm; peepholes and the clip exist for one variant only."""
    if options.get("variant", "per_gate") != "per_gate":
        options = {name: value for name, value in options.items() if name not in ("use_peepholes", "cell_clip")}
    return shape._replace(H=max(shape.H, 3)), options


def step(
    params,
    x,
    state,
    f,
    *,
    variant="per_gate",
    activation="tanh",
    forget_bias=1.0,
    use_peepholes=False,
    cell_clip=None,
    num_proj=None,
    proj_clip=None,
    epsilon=None,
    norm_gain=1.0,
    norm_shift=0.0,
    keep=1.0,
):
    """i, f, o are the gates, g the candidate, c the cell state, p the peepholes; `norm_gain` and `norm_shift` are those
    of fresh parameters, and `keep` is a mask on g.

    per_gate: z = norm(x W + h U), each gate alone; c = norm(f c + i g); h = o phi(c).
    joint:    z = norm(x W) + norm(h U), over all gates; c = f c + i g; h = o phi(norm(c)).
    stored:   z as in joint; c and h as in per_gate.
    """
    phi, sigma = f[activation], f["sigmoid"]
    epsilon = EPSILON[variant] if epsilon is None else epsilon
    scale, shift = params["norm_scale"], params["norm_shift"]
    p_i, p_f, p_o = params["peephole"] if use_peepholes else (0.0, 0.0, 0.0)
    xW, hU = x @ params["kernel"], state["h"] @ params["recurrent_kernel"]
    if variant == "per_gate":
        z_i, z_f, z_g, z_o = (
            layer_norm(z, scale[k], shift[k], epsilon) for k, z in enumerate(np.split(xW + hU, 4, axis=1))
        )
    else:
        of_x = layer_norm(xW, np.ravel(scale[:4]), np.ravel(shift[:4]), epsilon)
        of_h = layer_norm(hU, np.ravel(scale[4:8]), np.ravel(shift[4:8]), epsilon)
        z_i, z_f, z_g, z_o = np.split(of_x + of_h, 4, axis=1)

    c = state["c"]
    i, forget, g = sigma(z_i + p_i * c), sigma(z_f + forget_bias + p_f * c), phi(z_g)
    c = forget * c + i * (g * keep)
    normed = layer_norm(c, scale[-1], shift[-1], epsilon)
    if cell_clip is not None:
        normed = f["clip"](normed, cell_clip)
    o = sigma(z_o + p_o * normed)
    h = project(o * phi(normed), params, f, proj_clip)
    return h, {"h": h, "c": c if variant == "joint" else normed}, {"i": i, "f": forget, "g": g, "o": o}
