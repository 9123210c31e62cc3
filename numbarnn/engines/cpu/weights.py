"""The parameters of a pass: the public arrays, and the packed ones; those of `FixedParams` are packed once."""

from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ...runtime import workspace
from ...runtime.arrays import address
from ...runtime.threads import run
from ..fixed_params import FixedParams
from .host_layout import gather_vectors
from .kernel_arguments import POSITION, span

NAMES = "kernel", "recurrent_kernel", "feedback_kernel", "vectors", "projection_kernel", "norm_scale", "norm_shift"
PUBLIC, PACKED = span("kernel", "shift"), span("w", "shifts")
RECURRENT, FEEDBACK, ARGS_ADDRESS, HOISTED, IS_PACKED, NOT_FINITE = (
    POSITION[name] for name in ("recurrent", "feedback_kernel", "args_address", "hoisted", "is_packed", "not_finite")
)


@dataclass
class Weights:
    """Parameters as kernels read them."""

    held: dict  # the public arrays, contiguous, by the names of `NAMES`
    packed: workspace.Lease
    is_packed: bool

    def enter(self, numbers):
        """Put the addresses into kernel arguments that are fresh from the template."""
        numbers[PUBLIC] = [address(self.held[name]) if name in self.held else 0 for name in NAMES]
        if "feedback_kernel" not in self.held:
            numbers[FEEDBACK] = numbers[RECURRENT]
        numbers[PACKED] += self.packed.address
        numbers[IS_PACKED] = self.is_packed


def weights_of(p, params):
    """Return the `Weights` of a pass with the plan p."""
    if isinstance(params, FixedParams):
        return params.once(("packed", p.cell), lambda: packed(p, params))
    return unpacked(p, params)


def unpacked(p, params):
    """Return `Weights` that the pass has to pack."""
    held = {name: np.ascontiguousarray(params[name]) for name in NAMES if name in params}
    held["vectors"] = gather_vectors(p.vector_places, p.offset, params)
    return Weights(held, workspace.take(p.packed.size), False)


def packed(p, params):
    """Return packed `Weights`."""
    weights, numbers = unpacked(p, params), p.template.copy()
    weights.enter(numbers)
    numbers[HOISTED] = 0
    args_address = numbers[ARGS_ADDRESS] = address(numbers)
    run(p.forward, 1, 1, args_address)
    check_packed(p.cell, params, numbers)
    weights.is_packed = True
    return weights


def check_packed(cell, params, numbers):
    """Raise `InputError`, with their names, if the kernel has found parameters that are not finite."""
    if numbers[NOT_FINITE]:
        names = [name for name, value in params.items() if not np.isfinite(value).all()]
        raise InputError(f"{type(cell).__name__}: values that are not finite in parameter {', '.join(names)}")
