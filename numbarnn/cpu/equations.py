"""A cell's equations over rows and panels of units, vector by vector: the only kernels that each cell compiles."""

import functools
from typing import NamedTuple

from numba import types

from .call import read
from .compile import compiled
from .memory import BYTE, get, lanes, load, load_each, load_part, pointer, store, store_each, zeros_like
from .simd import INTP, Static, added, first_lanes, helper

EQUATIONS = types.void(*[INTP] * 6)  # step, rows lo..hi, panels p0..p1, address of the call
ONE = Static((0,))
ORDER = ("q", "xq", "x", "xh", "h")


class Slots(NamedTuple):
    """Where a cell's pre-activations stand in z; the order of `places` and `first` is the cell's."""

    names: tuple  # by slot
    places: tuple  # slot of each pre-activation
    first: tuple  # slot of each pre-activation that `feedback` gets
    count: int  # of slots, saved values included

    def run(self, cell, source):
        """First slot fed by a source, and their number."""
        slots = [i for i, name in enumerate(self.names) if source in cell.inputs[name]]
        return (slots[0] if slots else 0), len(slots)


@functools.cache
def slots_of(cell):
    names = tuple(sorted(cell.inputs, key=lambda name: ORDER.index(cell.inputs[name])))
    places = tuple(names.index(name) for name in cell.inputs)
    first = tuple(names.index(name) for name, source in cell.inputs.items() if "q" not in source)
    return Slots(names, places, first, max(len(names), len(cell.saved)))


def places_of(cell):
    """Slots of the pre-activations, of what is saved, and places of the states besides the output, for the compiler."""
    saved, others = tuple(range(len(cell.saved))), tuple(range(len(cell.states) - 1))
    return Static(slots_of(cell).places), Static(saved), Static(others)


@helper
def state(others, n, h, c, t, b, p):
    """The states before step t of row b, panel p."""
    V = lanes(h)
    rest = load_each(others, c, t * n.c_t + b * n.c_b + p * V, n.P * V)
    return load_each(ONE, h, t * n.h_t + b * n.h_b + p * V, 0) + rest


@helper
def valid(n, t, b):
    return get(pointer(BYTE, n.mask), t * n.mask_t + b * n.mask_b) != 0


@helper
def z_at(n, t, b, p):
    return t * n.z_t + b * n.z_b + p * n.z_p


@functools.cache
def forward_equations(cell, dtype):
    """Address of the kernel s1, saved = forward(z, s): what is saved takes the place of z. Masked rows copy their
    states."""
    equations, real = cell.equations.forward, Static(dtype)
    places, saved, others = places_of(cell)

    def forward(t, lo, hi, p0, p1, here):
        n = read(here)
        z, h, c = pointer(real, n.z), pointer(real, n.h), pointer(real, n.c)
        V = lanes(z)
        for p in range(p0, p1):
            for b in range(lo, hi):
                s = state(others, n, h, c, t, b, p)
                if valid(n, t, b):
                    s, kept = equations(load_each(places, z, z_at(n, t, b, p), V), s)
                    store_each(saved, z, z_at(n, t, b, p), V, kept)
                store_each(ONE, h, (t + 1) * n.h_t + b * n.h_b + p * V, 0, s[:1])
                store_each(others, c, (t + 1) * n.c_t + b * n.c_b + p * V, n.P * V, s[1:])

    return compiled(EQUATIONS, forward)


@functools.cache
def backward_equations(cell, dtype):
    """Address of the kernel dz, ds = backward(saved, s, s1, ds1): dz takes the place of what was saved, and ds, the
    part
    that needs no product, that of ds1. Masked rows keep their ds1."""
    equations, real = cell.equations.backward, Static(dtype)
    places, saved, others = places_of(cell)

    def backward(t, lo, hi, p0, p1, here):
        n = read(here)
        z, h, c = pointer(real, n.z), pointer(real, n.h), pointer(real, n.c)
        dh, dc, dy = pointer(real, n.dh), pointer(real, n.dc), pointer(real, n.dy)
        V = lanes(z)
        for p in range(p0, p1):
            inside = n.H - p * V
            for b in range(lo, hi):
                if valid(n, t, b):
                    d = load(dh, b * n.h_b + p * V) + load_part(dy, t * n.dy_t + b * n.dy_b + p * V, inside)
                    ds1 = (d, *load_each(others, dc, b * n.c_b + p * V, n.P * V))
                    s, s1 = state(others, n, h, c, t, b, p), state(others, n, h, c, t + 1, b, p)
                    dz, ds = equations(load_each(saved, z, z_at(n, t, b, p), V), s, s1, ds1)
                    store_each(places, z, z_at(n, t, b, p), V, first_lanes(dz, inside))
                    store_each(ONE, dh, b * n.h_b + p * V, 0, ds[:1])
                    store_each(others, dc, b * n.c_b + p * V, n.P * V, ds[1:])
                else:
                    store_each(places, z, z_at(n, t, b, p), V, zeros_like(places, z))

    return compiled(EQUATIONS, backward)


@functools.cache
def feedback_equations(cell, dtype):
    """Address of the kernel q, carried = feedback(z, s): what is carried takes the place of z; q is zero where
    masked."""
    equations, real = cell.equations.feedback, Static(dtype)
    first, others = Static(slots_of(cell).first), places_of(cell)[2]

    def feedback(t, lo, hi, p0, p1, here):
        n = read(here)
        z, h, c, q = pointer(real, n.z), pointer(real, n.h), pointer(real, n.c), pointer(real, n.q)
        V = lanes(z)
        for p in range(p0, p1):
            for b in range(lo, hi):
                q_at = t * n.q_t + b * n.q_b + p * V
                if valid(n, t, b):
                    value, carried = equations(
                        load_each(first, z, z_at(n, t, b, p), V), state(others, n, h, c, t, b, p)
                    )
                    store(q, q_at, value)
                    store_each(first, z, z_at(n, t, b, p), V, carried)
                else:
                    store_each(ONE, q, q_at, 0, zeros_like(ONE, q))

    return compiled(EQUATIONS, feedback)


@functools.cache
def feedback_backward_equations(cell, dtype):
    """Address of the kernel dz, ds = feedback_backward(carried, s, dq): dz takes the place of what was carried, ds
    is added."""
    equations, real = cell.equations.feedback_backward, Static(dtype)
    first, others = Static(slots_of(cell).first), places_of(cell)[2]

    def feedback_backward(t, lo, hi, p0, p1, here):
        n = read(here)
        z, h, c = pointer(real, n.z), pointer(real, n.h), pointer(real, n.c)
        dh, dc, dq = pointer(real, n.dh), pointer(real, n.dc), pointer(real, n.dq)
        V = lanes(z)
        for p in range(p0, p1):
            for b in range(lo, hi):
                if valid(n, t, b):
                    s, d = state(others, n, h, c, t, b, p), load(dq, b * n.h_b + p * V)
                    dz, ds = equations(load_each(first, z, z_at(n, t, b, p), V), s, d)
                    store_each(first, z, z_at(n, t, b, p), V, first_lanes(dz, n.H - p * V))
                    store(dh, b * n.h_b + p * V, load(dh, b * n.h_b + p * V) + ds[0])
                    before = load_each(others, dc, b * n.c_b + p * V, n.P * V)
                    store_each(others, dc, b * n.c_b + p * V, n.P * V, added(before, ds[1:]))

    return compiled(EQUATIONS, feedback_backward)
