"""A stack of cells: MultiRNNCell of TensorFlow 1."""

import autograd.numpy as np

from ..node import Node
from ..parts import of_part, part

CELL = "MultiRNNCell"
OPTIONS = {"state_is_tuple": (False,)}


def examples(shape):
    _, _, I, H = shape
    three = Node("LSTMCell", (H,), {"num_proj": 4}), Node("GRUCell", (H + 1,)), Node("LSTMCell", (3,))
    inner = Node("MultiRNNCell", ((Node("SimpleRNNCell", (H,)), Node("ResetAfterGRUCell", (I,))),))
    nested = Node("ResidualWrapper", (inner,)), Node("SimpleRNNCell", (H,))
    single = Node("GRUCell", (H,)), Node("SimpleRNNCell", (2,))
    both = Node("Bidirectional", (Node("LSTMCell", (H,)), Node("GRUCell", (3,))))
    layers = (
        both,
        Node("Bidirectional", (Node("GRUCell", (2,)),) * 2, {"merge_mode": "mul"}),
        Node("SimpleRNNCell", (H,)),
    )
    alike = (Node("LSTMCell", (H,)),) * 2
    both_twice = (Node("Bidirectional", (Node("ResetAfterGRUCell", (H,)),) * 2),) * 2
    return (single,), (three,), (nested,), (layers,), (alike,), (both_twice,)


def exists(arguments, options):
    """One array holds the states of cells of one state each."""
    return "state_is_tuple" not in options or all(n.cell in ("GRUCell", "SimpleRNNCell") for n in arguments[0])


def step(cells, params, x, state, f, *, state_is_tuple=True):
    """The output of each cell is the input of the next."""
    if not state_is_tuple:
        sizes = [params[f"{i}/recurrent_kernel"].shape[0] for i in range(len(cells))]
        arrays = np.split(state["state"], np.cumsum(np.array(sizes))[:-1], axis=1)
        state = {f"{i}/h": array for i, array in enumerate(arrays)}
    new, gates = {}, {}
    for i, cell in enumerate(cells):
        x, state_i, gates_i = cell(part(i, params), x, part(i, state))
        new, gates = new | of_part(i, state_i), gates | of_part(i, gates_i)
    return x, new if state_is_tuple else {"state": np.concatenate(list(new.values()), axis=1)}, gates


def run(cells, params, x, state, mask, reverse, f):
    """The same layer after layer, for cells that need the whole sequence."""
    final, states, gates = {}, {}, {}
    for i, cell in enumerate(cells):
        x, *of_cell = cell(part(i, params), x, part(i, state), mask, reverse)
        for named, values in zip((final, states, gates), of_cell, strict=True):
            named.update(of_part(i, values))
    return x, final, states, gates
