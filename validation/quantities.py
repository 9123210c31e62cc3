"""What is compared, by name: {(quantity, gate): array}. Packed parameters fall apart into the blocks of their gates."""

import numpy as np

from numbarnn.cells.base import Cell

FEEDS = {"kernel": "x", "recurrent_kernel": "hq", "feedback_kernel": "q"}  # sources of the products


def blocks(cell, name, array):
    """{gate: block} of a packed parameter, by what a plain cell declares."""
    if not isinstance(cell, Cell):
        return {None: array}
    if name in FEEDS:
        gates, axis = cell.fed_by(FEEDS[name]), -1
        if name == "recurrent_kernel" and cell.num_proj is not None:
            gates = cell.fed_by("h")
    elif name in cell.vectors:
        gates, axis = cell.vectors[name], 0
    elif name in ("norm_scale", "norm_shift"):
        gates, axis = cell.normed, 0
    else:
        return {None: array}
    return dict(zip(gates, np.split(array, len(gates), axis), strict=True))


def forward_values(cell, outputs, state, states, gates, step):
    """Of a run, and of one `step`: (output, state). `state`, `states`, `gates`: {name: array}.

    What goes on inside a composite cell is left to its parts.
    """
    states, gates = (states, gates) if isinstance(cell, Cell) else ({}, {})
    output, state_after_step = step
    values = {("outputs", None): outputs, ("step.output", None): output}
    values |= {(f"state.{name}", None): array for name, array in state.items()}
    values |= {(f"states.{name}", None): array for name, array in states.items()}
    values |= {(f"step.{name}", None): array for name, array in state_after_step.items()}
    return values | {("gates", name): array for name, array in gates.items()}


def gradient_values(cell, params, x, state):
    """Gradients of the parameters, of the inputs x (None for integers) and of the initial state {name: array}."""
    values = {(f"d_{name}", gate): b for name, array in params.items() for gate, b in blocks(cell, name, array).items()}
    values |= {(f"d_initial_state.{name}", None): array for name, array in state.items()}
    return values | ({} if x is None else {("d_inputs", None): x})
