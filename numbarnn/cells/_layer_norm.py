"""What LSTMs with layer norm share: the constants of libraries, and fresh parameters."""

from .. import initializers

EPSILON = {"per_gate": 1e-12, "joint": 1e-5, "stored": 1e-3}


def initial_norm(cell):
    """Return the initialisers of norm_scale and norm_shift: the cell's `norm_gain` and `norm_shift`."""
    return {
        "norm_scale": initializers.constant(cell.norm_gain),
        "norm_shift": initializers.constant(cell.norm_shift),
    }
