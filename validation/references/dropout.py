"""Dropout around a cell: Srivastava et al. (2014), Gal and Ghahramani (2016); DropoutWrapper of TensorFlow 1."""

from ..masks import dropout
from ..node import Node


def every(name):
    """A filter that lets all states through."""
    return True


CELL = "DropoutWrapper"
OPTIONS = {
    "input_keep_prob": (0.5, 0.7),
    "output_keep_prob": (0.5, 0.7),
    "state_keep_prob": (0.5, 0.7),
    "variational_recurrent": (True,),
    "shared_over_batch": (True,),
    "dropout_state_filter": (every,),
}
REQUIRES = {
    "variational_recurrent": {"input_keep_prob": 0.5, "output_keep_prob": 0.5, "state_keep_prob": 0.5},
    "shared_over_batch": {"input_keep_prob": 0.5, "output_keep_prob": 0.5, "state_keep_prob": 0.5},
    "dropout_state_filter": {"state_keep_prob": 0.5},
}


def examples(shape):
    return (Node("LSTMCell", (shape.H,)),), (Node("GRUCell", (shape.H,)),)


def masks(sizes, options):
    """For what is dropped: inputs, outputs, and new states by name; c is not, unless a filter says so."""
    T, B = 1 if "variational_recurrent" in options else sizes.T, 1 if "shared_over_batch" in options else sizes.B
    widths = {"input": sizes.I, "output": sizes.output}
    found = {
        site: dropout(site, keep=options[f"{site}_keep_prob"], shape=(T, B, n))
        for site, n in widths.items()
        if f"{site}_keep_prob" in options
    }
    if "state_keep_prob" in options:
        names = [name for name in sizes.states if name != "c" or "dropout_state_filter" in options]
        for n in names:
            shape = T, B, sizes.states[n]
            found[n] = dropout("cell", f"mask0_{n}", keep=options["state_keep_prob"], shape=shape)
    return found


def step(cells, params, x, state, f, *, given=None, **options):
    """Input, new state and output of the cell, each times its mask; the output is made before the state is dropped."""
    drop = lambda name, array: array * given[name] if given and name in given else array  # noqa: E731
    y, state, gates = cells[0](params, drop("input", x), state)
    return drop("output", y), {name: drop(name, s) for name, s in state.items()}, gates
