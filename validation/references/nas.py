"""The cell that an architecture search found: Zoph and Le (2017), arXiv 1611.01578; TensorFlow 1 contrib."""

import autograd.numpy as np

from ..projection import project

CELL = "NASCell"
OPTIONS = {"num_proj": (3, 9), "use_biases": (True,)}
GATES = ("0", "1", "2", "3", "3h", "4", "5", "6", "7")


def fit(shape, options):
    """In large shapes some number would always be near a kink."""
    return shape._replace(T=min(shape.T, 12), B=min(shape.B, 13)), options


def step(params, x, state, f, *, num_proj=None, use_biases=False):
    """Eight branches of the input's part a and the recurrent part b; branch 3 multiplies them, and shows both."""
    sigma, tanh, relu = f["sigmoid"], f["tanh"], f["relu"]
    a = np.split(x @ params["kernel"], 8, axis=1)
    b = np.split(state["h"] @ params["recurrent_kernel"] + (params["bias"] if use_biases else 0.0), 8, axis=1)

    l0, l1, l2 = sigma(a[0] + b[0]), relu(a[1] + b[1]), sigma(a[2] + b[2])
    l3 = relu(a[3]) * relu(b[3]) + relu(-a[3]) * relu(-b[3])  # relu(a b); its kink is where a or b, not a b, is near 0
    l4, l5, l6, l7 = tanh(a[4] + b[4]), sigma(a[5] + b[5]), tanh(a[6] + b[6]), sigma(a[7] + b[7])
    p0, p1, p2, p3 = tanh(l0 * l1), tanh(l2 + l3), tanh(l4 * l5), sigma(l6 + l7)
    c = tanh(p0 + state["c"]) * p1
    h = project(tanh(c * tanh(p2 + p3)), params, f)
    return h, {"h": h, "c": c}, dict(zip(GATES, (l0, l1, l2, a[3], b[3], l4, l5, l6, l7), strict=True))
