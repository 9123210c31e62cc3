"""The pre-activations of a step in kernels that walk through all of them, before what h adds.

Of a pre-activation, z holds what changes from step to step: what x feeds, what is given, what units read themselves.
What all steps have alike, biases, peepholes and offsets, stands in vectors[slot, unit]; a thread keeps those of its
unit in registers.
"""

import functools

from numba.extending import register_jitable

from .steps import ZERO, read_places
from .tuples import plus, replace, zeros


def changing_slots(cell):
    """Places of the pre-activations that z holds a part of."""
    return tuple(i for i, fed in enumerate(cell.inputs.values()) if set(fed) & set("xmu"))


def constant_slots(cell):
    """Places of those that have a part which all steps have alike."""
    named = {name for names in cell.vectors.values() for name in names}
    named |= {name for name, value in cell.offsets.items() if value}
    return tuple(i for i, name in enumerate(cell.inputs) if name in named)


def read_changing(cell):
    """(z, at, step): those parts, as a tuple; a pre-activation is `step` elements behind the one before it."""
    return read_places(changing_slots(cell))


def read_constant(cell):
    """(vectors, at, step): the same for the others."""
    return read_places(constant_slots(cell))


@functools.cache
def preactivations(cell):
    """(changing, constant) -> all pre-activations but for h; without either part: zero."""
    count = len(cell.inputs)
    nothing, spread, add = zeros(count), replace(changing_slots(cell), count), plus(constant_slots(cell), count)
    return register_jitable(lambda changing, constant: add(spread(nothing(ZERO), changing), constant))
