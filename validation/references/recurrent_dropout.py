"""Dropout of what the recurrent products read: Gal and Ghahramani (2016), arXiv 1512.05287; Keras."""

import autograd.numpy as np

from ..masks import dropout
from ..node import Node

CELL = "RecurrentDropoutWrapper"
OPTIONS = {"rate": (0.6,), "per_gate": (True,)}
READERS = {"LSTM": "ifgo", "after": "rzm", "before": ""}  # the pre-activations, where each can have its own mask


def fit(shape, options):
    return shape, {"rate": 0.3} | options


def examples(shape):
    kinds = ("LSTMCell", "ResetAfterGRUCell", "GRUCell")
    return tuple((Node(kind, (shape.H,)),) for kind in kinds)


def masks(sizes, options):
    """One for all pre-activations, or one for each; the same at all steps."""
    names = (
        [f"mask_{gate}" for gate in READERS[kind(sizes.states, sizes.params)]] if "per_gate" in options else ["mask"]
    )
    shape = (1, sizes.B, sizes.states["h"])
    return {name: dropout(name, keep=1 - options["rate"], shape=shape) for name in names}


def exists(arguments, options):
    """A GRU that computes within the step has one mask for all its products."""
    return "per_gate" not in options or arguments[0].cell != "GRUCell"


def kind(states, shapes):
    """Which of the cells has these states and parameters."""
    blocks = shapes["bias"][0] // shapes["recurrent_kernel"][0]
    return "LSTM" if "c" in states else {4: "after", 3: "before"}[blocks]


def step(cells, params, x, state, f, *, given=None, rate, per_gate=False):
    """The products read m * h, everything else h; Keras' step of each cell."""
    if given is None:
        return cells[0](params, x, state)
    W, U, b, h = params["kernel"], params["recurrent_kernel"], params["bias"], state["h"]
    sigma, tanh, H = f["sigmoid"], f["tanh"], U.shape[0]
    of = kind(state, {name: p.shape for name, p in params.items()})
    xW = np.split(x @ W + b[: W.shape[1]], W.shape[1] // H, axis=1)
    columns = np.split(U, U.shape[1] // H, axis=1)
    m = [given[f"mask_{gate}"] for gate in READERS[of]] if per_gate else [given["mask"]] * len(columns)
    hU = [(mask * h) @ column for mask, column in zip(m, columns, strict=True)]
    if of == "LSTM":
        i, forget, g, o = (s(a + c) for s, a, c in zip((sigma, sigma, tanh, sigma), xW, hU, strict=True))
        c = forget * state["c"] + i * g
        h = o * tanh(c)
        return h, {"h": h, "c": c}, {}
    r, z = sigma(xW[0] + hU[0]), sigma(xW[1] + hU[1])
    inner = r * (hU[2] + b[3 * H :]) if of == "after" else (m[2] * (r * h)) @ columns[2]
    h = z * h + (1 - z) * tanh(xW[2] + inner)
    return h, {"h": h}, {}
