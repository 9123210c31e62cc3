"""What the equations of a step need of global memory, for kernels that walk through all steps."""

import functools

from numba.extending import register_jitable

from .equations import slots_of
from .preactivations import read_changing
from .steps import at, output_gradient, read_places, short
from .target import element


@functools.cache
def load_forward(cell, H):
    """(i, z, its track, flags, their track) -> of the i-th step, what z holds of the pre-activations, and the flag."""
    read_z = read_changing(cell)

    @register_jitable
    def load(i, z, of_z, flags, of_flags):
        return read_z(z, at(i, of_z), H), element(flags, at(i, of_flags))

    return load


@functools.cache
def load_backward(cell, H):
    """(i, ...) -> the states before the i-th step of the walk, what it saved, its output's gradient, and the flag."""
    read_saved, read_states = read_places(slots_of(cell).saved), read_places(tuple(range(len(cell.states))))

    @register_jitable
    def load(i, z, of_z, states, of_states, plane, d_outputs, of_outputs, flags, of_flags):
        s, saved = read_states(states, at(short(i + 1), of_states), plane), read_saved(z, at(i, of_z), H)
        return s, saved, output_gradient(d_outputs, at(i, of_outputs)), element(flags, at(i, of_flags))

    return load
