"""The simple recurrent networks of Elman (1990), "Finding structure in time", and, projected, of Jordan (1986)."""

from ..activations import ALL
from ..clipping import bounded
from ..projection import project

CELL = "SimpleRNNCell"
OPTIONS = {
    "activation": ALL,
    "use_bias": (False,),
    "num_proj": (3, 9),
    "proj_clip": (0.2,),
    "preactivation_clip": (0.5, 0.2),
}
REQUIRES = {"proj_clip": {"num_proj": 3}}
KINKS = ({"activation": "linear", "num_proj": 3, "proj_clip": 0.25}, {"preactivation_clip": 0.5})
THOROUGH = True


def step(
    params,
    x,
    state,
    f,
    *,
    activation="tanh",
    use_bias=True,
    num_proj=None,
    proj_clip=None,
    preactivation_clip=None,
):
    """h_t = clip(phi(clip(x_t W + h_{t-1} U + b)) W_p)."""
    W, U = params["kernel"], params["recurrent_kernel"]
    b = params["bias"] if use_bias else 0.0
    z = bounded(x @ W + state["h"] @ U + b, f, preactivation_clip)
    h = project(f[activation](z), params, f, proj_clip)
    return h, {"h": h}, {}
