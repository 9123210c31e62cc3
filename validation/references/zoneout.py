"""Zoneout: Krueger et al. (2017), arXiv 1606.01305."""

from ..masks import chosen
from ..node import Node

CELL = "ZoneoutWrapper"
OPTIONS = {"zoneout_h": (0.3, 0.6), "zoneout_c": (0.3, 0.6)}


def examples(shape):
    H = shape.H
    return (Node("LSTMCell", (H,)),), (Node("GRUCell", (H,)),), (Node("LSTMCell", (H,), {"use_peepholes": True}),)


def exists(arguments, options):
    """A GRU has no c."""
    return "zoneout_c" not in options or arguments[0].cell != "GRUCell"


def masks(sizes, options):
    """d for each state that is zoned out."""
    rates = {name: options.get(f"zoneout_{'c' if name == 'c' else 'h'}", 0.0) for name in sizes.states}
    shape = lambda name: (sizes.T, sizes.B, sizes.states[name])  # noqa: E731
    drawn = {n: rate for n, rate in rates.items() if rate}
    return {n: chosen(f"zoneout_{n}", probability=rate, shape=shape(n)) * 1.0 for n, rate in drawn.items()}


def step(cells, params, x, state, f, *, given=None, zoneout_h=0.0, zoneout_c=0.0):
    """s_t = d s_{t-1} + (1 - d) s~_t, where the cell makes s~ of s_{t-1}; outside of training d is its mean."""
    _, new, gates = cells[0](params, x, state)
    means = {name: zoneout_c if name == "c" else zoneout_h for name in new}
    d = means if given is None else means | given
    new = {name: d[name] * state[name] + (1 - d[name]) * s for name, s in new.items()}
    return new["h"], new, gates
