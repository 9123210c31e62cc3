"""What is compared, by name: {(quantity, gate): array}. Packed parameters fall apart into the blocks of their gates."""

import numpy as np

PACKED = {"kernel": "x", "recurrent_kernel": "hq", "bias": "xhq"}  # a block for each pre-activation fed by one of these


def blocks(inputs, name, array):
    """{gate: block} of a packed parameter; `inputs` is the cell's declaration {pre-activation: what feeds it}."""
    if name not in PACKED:
        return {None: array}
    gates = [gate for gate, fed in inputs.items() if set(fed) & set(PACKED[name])]
    return dict(zip(gates, np.split(array, len(gates), axis=-1), strict=True))


def forward_values(outputs, state, states, gates, step):
    """Of a run, and of one `step`: (output, state). `state`, `states`, `gates`: {name: array}."""
    output, state_after_step = step
    values = {("outputs", None): outputs, ("step.output", None): output}
    values |= {(f"state.{name}", None): array for name, array in state.items()}
    values |= {(f"states.{name}", None): array for name, array in states.items()}
    values |= {(f"step.{name}", None): array for name, array in state_after_step.items()}
    return values | {("gates", name): array for name, array in gates.items()}


def gradient_values(inputs, params, x, state):
    """Gradients of the parameters, of the inputs x and of the initial state {name: array}."""
    values = {
        (f"d_{name}", gate): b for name, array in params.items() for gate, b in blocks(inputs, name, array).items()
    }
    values |= {(f"d_initial_state.{name}", None): array for name, array in state.items()}
    return values | {("d_inputs", None): x}
