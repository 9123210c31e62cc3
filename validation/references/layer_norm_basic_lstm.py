"""TensorFlow 1's LayerNormBasicLSTMCell: one form of `layer_norm_lstm`, and dropout of the candidate: Semeniuta,
Severyn and Barth (2016), arXiv 1603.05118."""

import autograd.numpy as np

from ..activations import FEW
from ..masks import dropout
from . import layer_norm_lstm

CELL = "LayerNormBasicLSTMCell"
OPTIONS = {
    "forget_bias": (0.0, -0.5),
    "activation": FEW,
    "layer_norm": (False,),
    "norm_gain": (0.5,),
    "norm_shift": (0.1,),
    "dropout_keep_prob": (0.5, 0.8),
}


def fit(shape, options):
    """Of fewer than three numbers little is left by the norm; where there is none, nothing can be said of it."""
    normed = options.get("layer_norm", True)
    options = {name: value for name, value in options.items() if normed or not name.startswith("norm_")}
    return shape._replace(H=max(shape.H, 3)), options


def masks(sizes, options):
    """Of the candidate."""
    keep, shape = options.get("dropout_keep_prob", 1.0), (sizes.T, sizes.B, sizes.states["h"])
    return {"keep": dropout(keep=keep, shape=shape)} if keep < 1 else {}


def step(params, x, state, f, *, given=None, dropout_keep_prob=1.0, layer_norm=True, **options):
    """`layer_norm_lstm.step`; in training the candidate is multiplied by the mask given["keep"]."""
    keep = given["keep"] if given else 1.0
    return (layer_norm_lstm.step if layer_norm else without_norm)(params, x, state, f, keep=keep, **options)


def without_norm(params, x, state, f, *, keep, activation="tanh", forget_bias=1.0):
    """An LSTM: c = f c + i (keep g)."""
    phi, sigma = f[activation], f["sigmoid"]
    i, forget, g, o = np.split(
        x @ params["kernel"] + state["h"] @ params["recurrent_kernel"] + params["bias"], 4, axis=1
    )
    i, forget, g, o = sigma(i), sigma(forget + forget_bias), phi(g), sigma(o)
    c = forget * state["c"] + i * (keep * g)
    h = o * phi(c)
    return h, {"h": h, "c": c}, {"i": i, "f": forget, "g": g, "o": o}
