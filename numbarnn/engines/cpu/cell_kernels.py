"""A cell's equations over rows and panels of units, one SIMD vector at a time.

These are the only kernels that are compiled for each cell; all others serve every cell of a dtype.
"""

import functools
from typing import NamedTuple

from numba import types

from ...runtime.compile import compiled, inlined
from ...runtime.memory import BYTE, get, lanes, load, load_each, load_each_part, pointer, store, store_each, zeros_like
from ...runtime.simd import INTP, Static, added, as_tuple, chosen, first_lanes, helper, merged
from .kernel_arguments import read

EQUATIONS = types.void(*[INTP] * 6)  # step, rows lo..hi, panels p0..p1, address of the `KernelArguments`
FIRST = Static((0,))
ORDER = ("q", "xq", "x", "xh", "h", "", "m", "u", "=")  # so that the slots fed by one source are neighbours


class Slots(NamedTuple):
    """The slots of a cell's pre-activations in z; `places` and `first` are in the cell's order."""

    names: tuple  # of the pre-activations, in the order of the slots
    places: tuple  # slot of each pre-activation
    first: tuple  # slot of each pre-activation that `feedback` reads
    extra: tuple  # slots of the values that `backward` passes to `feedback_backward` besides gradients
    q_products: tuple  # (first slot, slots, which q) of each product with q
    identities: tuple  # (slot, which q) of each pre-activation that equals a q
    kinds: int  # number of different q
    count: int  # of slots, saved values included

    def run(self, cell, source):
        """Return the first of the slots that a source feeds, and their number."""
        slots = [i for i, name in enumerate(self.names) if source in cell.inputs[name]]
        return (slots[0] if slots else 0), len(slots)


def kind_of(fed):
    """Return the index of the q that feeds a pre-activation."""
    return int(fed[-1]) if fed[-1:].isdecimal() else 0


@functools.cache
def slots_of(cell):
    """Assign a slot to each pre-activation of a cell."""
    inputs, eq = cell.inputs, cell.equations
    names = tuple(
        sorted(inputs, key=lambda name: (ORDER.index(inputs[name].rstrip("0123456789")), kind_of(inputs[name])))
    )
    places = tuple(names.index(name) for name in inputs)
    second = {name for name, fed in inputs.items() if set(fed) & set("q=")}
    first = tuple(names.index(name) for name in inputs if name not in second)
    q_products = []
    for slot, name in enumerate(names):
        if "q" in inputs[name]:
            if q_products and q_products[-1][2] == kind_of(inputs[name]):
                q_products[-1][1] += 1
            else:
                q_products.append([slot, 1, kind_of(inputs[name])])
    identities = tuple((slot, kind_of(inputs[name])) for slot, name in enumerate(names) if "=" in inputs[name])
    kinds = max((kind_of(inputs[name]) + 1 for name in second), default=0)
    q_products.sort(key=lambda product: product[2])
    extra = tuple(range(len(names), len(names) + eq.extra))
    count = max(len(names) + eq.extra, len(cell.saved) + eq.hidden)
    return Slots(names, places, first, extra, tuple(map(tuple, q_products)), identities, kinds, count)


def places_of(cell):
    """Return as compile-time constants: slots of the pre-activations and extras, slots of the saved values, and indices
    of the states besides the first."""
    slots, saved = slots_of(cell), tuple(range(len(cell.saved) + cell.equations.hidden))
    return Static(slots.places + slots.extra), Static(saved), Static(tuple(range(len(cell.states) - 1)))


@helper
def load_states(others, n, h, c, t, b, p):
    """Load the states of row b and panel p: with (h, c) those before step t, with (h1, c1) those after it."""
    V = lanes(h)
    rest = load_each(others, c, t * n.c_t + b * n.c_b + p * V, n.P * V)
    return load_each(FIRST, h, t * n.h_t + b * n.h_b + p * V, 0) + rest


@helper
def valid(n, t, b):
    """Say whether step t of row b counts, or is padding."""
    return get(pointer(BYTE, n.mask), t * n.mask_t + b * n.mask_b) != 0


@helper
def z_at(n, t, b, p):
    """Return the offset of z[t, p, b]."""
    return t * n.z_t + b * n.z_b + p * n.z_p


@functools.cache
def forward_equations(cell, dtype):
    """Compile s1, saved = forward(z, s); returns the kernel's address.

    The saved values replace z. Padded rows copy their states.
    """
    equations, real, places = inlined(cell.equations.forward), Static(dtype), Static(slots_of(cell).places)
    _, saved, others = places_of(cell)

    def forward(t, lo, hi, p0, p1, args_address):
        n = read(args_address)
        z, h, c = pointer(real, n.z), pointer(real, n.h), pointer(real, n.c)
        h1, c1 = pointer(real, n.h1), pointer(real, n.c1)
        V = lanes(z)
        for p in range(p0, p1):
            for b in range(lo, hi):
                s = load_states(others, n, h, c, t, b, p)
                if valid(n, t, b):
                    s, kept = equations(load_each(places, z, z_at(n, t, b, p), V), s)
                    store_each(saved, z, z_at(n, t, b, p), V, kept)
                store_each(FIRST, h1, t * n.h_t + b * n.h_b + p * V, 0, s[:1])
                store_each(others, c1, t * n.c_t + b * n.c_b + p * V, n.P * V, s[1:])

    return compiled(EQUATIONS, forward)


@functools.cache
def backward_equations(cell, dtype):
    """Compile dz, ds = backward(saved, s, s1, ds1); returns the kernel's address.

    dz replaces the saved values; ds, the gradient without the products, replaces ds1. Padded rows keep their ds1.
    """
    equations, real = inlined(cell.equations.backward), Static(dtype)
    places, saved, others = places_of(cell)
    count, output_states = Static(len(cell.states)), Static(cell.output_states)
    states, outputs = (Static(tuple(range(len(several)))) for several in (cell.states, cell.output_states))

    def backward(t, lo, hi, p0, p1, args_address):
        n = read(args_address)
        z, h, c = pointer(real, n.z), pointer(real, n.h), pointer(real, n.c)
        h1, c1 = pointer(real, n.h1), pointer(real, n.c1)
        dh, dc, dy = pointer(real, n.dh), pointer(real, n.dc), pointer(real, n.dy)
        V = lanes(z)
        for p in range(p0, p1):
            inside = n.H - p * V
            for b in range(lo, hi):
                if valid(n, t, b):
                    d = load_each_part(outputs, dy, t * n.dy_t + b * n.dy_b + p * V, n.H, inside)
                    later = load_each(FIRST, dh, b * n.h_b + p * V, 0) + load_each(
                        others, dc, b * n.c_b + p * V, n.P * V
                    )
                    ds1 = as_tuple(merged(count, states, later, output_states, d))
                    s, s1 = load_states(others, n, h, c, t, b, p), load_states(others, n, h1, c1, t, b, p)
                    dz, ds = equations(load_each(saved, z, z_at(n, t, b, p), V), s, s1, ds1)
                    store_each(places, z, z_at(n, t, b, p), V, first_lanes(dz, inside))
                    store_each(FIRST, dh, b * n.h_b + p * V, 0, ds[:1])
                    store_each(others, dc, b * n.c_b + p * V, n.P * V, ds[1:])
                else:
                    store_each(places, z, z_at(n, t, b, p), V, zeros_like(places, z))

    return compiled(EQUATIONS, backward)


def uses_of_q(cell):
    """Return as compile-time constants: the q that are multiplied, those that are pre-activations, and their slots."""
    slots = slots_of(cell)
    multiplied = tuple(sorted({kind for _, _, kind in slots.q_products}))
    kinds, places = tuple(kind for _, kind in slots.identities), tuple(slot for slot, _ in slots.identities)
    return Static(multiplied), Static(kinds), Static(places)


@functools.cache
def feedback_equations(cell, dtype):
    """Compile q, carried = feedback(z, s); returns the kernel's address.

    The carried values replace z; q is zero in padded rows.
    """
    equations, real = inlined(cell.equations.feedback), Static(dtype)
    first, others = Static(slots_of(cell).first), places_of(cell)[2]
    multiplied, identities, identity_slots = uses_of_q(cell)

    def feedback(t, lo, hi, p0, p1, args_address):
        n = read(args_address)
        z, h, c, q = pointer(real, n.z), pointer(real, n.h), pointer(real, n.c), pointer(real, n.q)
        V = lanes(z)
        for p in range(p0, p1):
            for b in range(lo, hi):
                at, q_at = z_at(n, t, b, p), t * n.q_t + b * n.q_b + p * V
                if valid(n, t, b):
                    found, carried = equations(load_each(first, z, at, V), load_states(others, n, h, c, t, b, p))
                    values = as_tuple(found)
                    store_each(multiplied, q, q_at, n.q_kind, chosen(multiplied, values))
                    store_each(identity_slots, z, at, V, chosen(identities, values))
                    store_each(first, z, at, V, carried)
                else:
                    store_each(multiplied, q, q_at, n.q_kind, zeros_like(multiplied, q))
                    store_each(identity_slots, z, at, V, zeros_like(identities, q))

    return compiled(EQUATIONS, feedback)


@functools.cache
def feedback_backward_equations(cell, dtype):
    """Compile dz, ds = feedback_backward(carried, s, dq); returns the kernel's address.

    dz replaces the carried values; ds is added to the gradients of the states.
    """
    equations, real, slots = inlined(cell.equations.feedback_backward), Static(dtype), slots_of(cell)
    carried, first, others = Static(slots.first + slots.extra), Static(slots.first), places_of(cell)[2]
    multiplied, identities, identity_slots = uses_of_q(cell)
    kinds = Static(slots.kinds)

    def feedback_backward(t, lo, hi, p0, p1, args_address):
        n = read(args_address)
        z, h, c = pointer(real, n.z), pointer(real, n.h), pointer(real, n.c)
        dh, dc, dq = pointer(real, n.dh), pointer(real, n.dc), pointer(real, n.dq)
        V = lanes(z)
        for p in range(p0, p1):
            for b in range(lo, hi):
                if valid(n, t, b):
                    at, s = z_at(n, t, b, p), load_states(others, n, h, c, t, b, p)
                    through_products = load_each(multiplied, dq, b * n.q_b + p * V, n.q_kind)
                    d = merged(kinds, multiplied, through_products, identities, load_each(identity_slots, z, at, V))
                    dz, ds = equations(load_each(carried, z, at, V), s, d)
                    store_each(first, z, at, V, first_lanes(dz, n.H - p * V))
                    store(dh, b * n.h_b + p * V, load(dh, b * n.h_b + p * V) + ds[0])
                    before = load_each(others, dc, b * n.c_b + p * V, n.P * V)
                    store_each(others, dc, b * n.c_b + p * V, n.P * V, added(before, ds[1:]))

    return compiled(EQUATIONS, feedback_backward)
