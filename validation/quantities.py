"""What is compared, by name: {(quantity, gate): array}. Packed parameters fall apart into the blocks of their gates."""

import numpy as np

from numbarnn.cells.base import Cell

from . import references

FEEDS = {"kernel": "x", "recurrent_kernel": "hq", "feedback_kernel": "q"}  # sources of the products


def blocks(problem, name, array):
    """{gate: block} of a packed parameter, by what a plain cell declares, or else the reference."""
    gates, axis = _gates_of(problem.cell, problem.node, name)
    return dict(zip(gates, np.split(array, len(gates), axis), strict=True))


def _gates_of(cell, node, name):
    """(names of the blocks, their axis)."""
    if not isinstance(cell, Cell):
        found = getattr(references.load()[node.cell], "blocks", None)
        return found(name, node.options) if found else ((None,), 0)
    if name in FEEDS:
        sources = "h" if name == "recurrent_kernel" and cell.num_proj is not None else FEEDS[name]
        return cell.fed_by(sources), -1
    if name in cell.vectors:
        return cell.vectors[name], 0
    return (cell.normed, 0) if name in ("norm_scale", "norm_shift") else ((None,), 0)


def forward_values(problem, outputs, state, states, gates, step):
    """Of a run, and of one `step`: (output, state). `state`, `states`, `gates`: {name: array}.

    What goes on inside a composite cell is left to its parts.
    """
    if problem.node.parts or any("/" in name for name in problem.state):
        states, gates = {}, {}
    output, state_after_step = step
    values = {("outputs", None): outputs, ("step.output", None): output}
    values |= {(f"state.{name}", None): array for name, array in state.items()}
    values |= {(f"states.{name}", None): array for name, array in states.items()}
    values |= {(f"step.{name}", None): array for name, array in state_after_step.items()}
    return values | {("gates", name): array for name, array in gates.items()}


def gradient_values(problem, params, x, state):
    """Gradients of the parameters, of the inputs x (None for integers) and of the initial state {name: array}."""
    values = {
        (f"d_{name}", gate): b for name, array in params.items() for gate, b in blocks(problem, name, array).items()
    }
    values |= {(f"d_initial_state.{name}", None): array for name, array in state.items()}
    return values | ({} if x is None else {("d_inputs", None): x})
