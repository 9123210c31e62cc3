"""What LSTMs with layer norm share: the constants of libraries, and fresh parameters."""

from .. import initializers
from ..errors import InputError

EPSILON = {"per_gate": 1e-12, "joint": 1e-5, "stored": 1e-3}


def initial_norm(cell):
    """Return the initialisers of norm_scale and norm_shift: the cell's `norm_gain` and `norm_shift`."""
    return {
        "norm_scale": initializers.constant(cell.norm_gain),
        "norm_shift": initializers.constant(cell.norm_shift),
    }


def check_used(cell):
    """Raise `InputError` if `norm_gain` or `norm_shift` is given without `layer_norm`, where it has no effect."""
    if not cell.layer_norm and (cell.norm_gain, cell.norm_shift) != (1.0, 0.0):
        got = f"norm_gain {cell.norm_gain} and norm_shift {cell.norm_shift}"
        raise InputError(f"{type(cell).__name__}: expected no norm_gain and norm_shift without layer_norm, got {got}")
