"""Both directions of time: Schuster and Paliwal (1997)."""

import autograd.numpy as np

from ..node import Node
from ..parts import of_part, part

CELL = "Bidirectional"
OPTIONS = {"merge_mode": ("sum", "mul", "ave")}
MERGE = {"sum": lambda a, b: a + b, "mul": lambda a, b: a * b, "ave": lambda a, b: (a + b) / 2}


def examples(shape):
    _, _, I, H = shape
    different = Node("LSTMCell", (H + 1,), {"num_proj": H}), Node("GRUCell", (H,))
    stack = Node("MultiRNNCell", ((Node("GRUCell", (I,)), Node("LSTMCell", (H,))),))
    return (
        (Node("LSTMCell", (H,)), Node("LSTMCell", (H,))),
        different,
        (stack, Node("ResidualWrapper", (stack,)) if I == H else stack),
    )


def run(cells, params, x, state, mask, reverse, f, *, merge_mode="concat"):
    """The second cell reads each row from its last valid step to its first; outputs stay where their inputs are."""
    outputs, final, states, gates = {}, {}, {}, {}
    for i, (name, cell, turned) in enumerate(zip(("forward", "backward"), cells, (False, True), strict=True)):
        of_cell = cell(part(name, params), x, part(i, state), mask, reverse != turned)
        outputs[i] = of_cell[0]
        final |= of_part(i, of_cell[1])
        states |= of_part(i, of_cell[2])
        gates |= of_part(name, of_cell[3])
    merged = (
        np.concatenate([outputs[0], outputs[1]], axis=2)
        if merge_mode == "concat"
        else MERGE[merge_mode](*outputs.values())
    )
    return merged, final, states, gates
