"""Group LSTM: Kuchaiev and Ginsburg (2017), arXiv 1703.10722; TensorFlow 1 contrib."""

import autograd.numpy as np

from ..activations import FEW
from ..projection import project

CELL = "GLSTMCell"
OPTIONS = {"number_of_groups": (2, 3), "num_proj": (3, 12), "forget_bias": (0.0, -0.5), "activation": FEW}
KINKS = ({"activation": "relu"},)
PLANTED = False


def fit(shape, options):
    """Groups divide units, inputs and outputs."""
    groups = options.get("number_of_groups", 1)
    multiple = lambda n: -(-n // groups) * groups  # noqa: E731
    if "num_proj" in options:
        options = options | {"num_proj": multiple(options["num_proj"])}
    return shape._replace(I=multiple(shape.I), H=multiple(shape.H)), options


def step(params, x, state, f, *, number_of_groups=1, num_proj=None, forget_bias=1.0, activation="tanh"):
    """Group k reads its parts of x and h: z_k = x_k W_k + h_k U_k; the LSTM of all groups is one."""
    xs, hs = (np.split(v, number_of_groups, axis=1) for v in (x, state["h"]))
    groups = [
        np.split(x_k @ W_k + h_k @ U_k, 4, axis=1)
        for x_k, h_k, W_k, U_k in zip(xs, hs, params["kernel"], params["recurrent_kernel"], strict=True)
    ]
    b = np.split(params["bias"], 4)
    z_i, z_f, z_g, z_o = (np.concatenate(parts, axis=1) + b[k] for k, parts in enumerate(zip(*groups, strict=True)))

    i, forget, g, o = f["sigmoid"](z_i), f["sigmoid"](z_f + forget_bias), f["tanh"](z_g), f["sigmoid"](z_o)
    c = forget * state["c"] + i * g
    h = project(o * f[activation](c), params, f)
    return h, {"h": h, "c": c}, {"i": i, "f": forget, "g": g, "o": o}
