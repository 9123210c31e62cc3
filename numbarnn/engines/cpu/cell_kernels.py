"""A cell's equations over rows and panels of units, vector by vector: the only kernels that each cell compiles."""

import functools
from typing import NamedTuple

from numba import types

from ...runtime.compile import compiled, inlined
from ...runtime.memory import BYTE, get, lanes, load, load_each, load_each_part, pointer, store, store_each, zeros_like
from ...runtime.simd import INTP, Static, added, as_tuple, chosen, first_lanes, helper, merged
from .kernel_arguments import read

EQUATIONS = types.void(*[INTP] * 6)  # step, rows lo..hi, panels p0..p1, address of the call
ONE = Static((0,))
ORDER = ("q", "xq", "x", "xh", "h", "", "m", "u", "=")


class Slots(NamedTuple):
    """Where a cell's pre-activations stand in z; the order of `places` and `first` is the cell's."""

    names: tuple  # by slot
    places: tuple  # slot of each pre-activation
    first: tuple  # slot of each pre-activation that `feedback` gets
    extra: tuple  # slots of what only `feedback_backward` gets
    links: tuple  # (first slot, slots, which q) of each product with q
    itself: tuple  # (slot, which q) of each pre-activation that is q itself
    kinds: int  # numbers of q
    count: int  # of slots, saved values included

    def run(self, cell, source):
        """First slot fed by a source, and their number."""
        slots = [i for i, name in enumerate(self.names) if source in cell.inputs[name]]
        return (slots[0] if slots else 0), len(slots)


def kind_of(fed):
    """Which number of q."""
    return int(fed[-1]) if fed[-1:].isdecimal() else 0


@functools.cache
def slots_of(cell):
    inputs, eq = cell.inputs, cell.equations
    names = tuple(
        sorted(inputs, key=lambda name: (ORDER.index(inputs[name].rstrip("0123456789")), kind_of(inputs[name])))
    )
    places = tuple(names.index(name) for name in inputs)
    second = {name for name, fed in inputs.items() if set(fed) & set("q=")}
    first = tuple(names.index(name) for name in inputs if name not in second)
    links = []
    for slot, name in enumerate(names):
        if "q" in inputs[name]:
            if links and links[-1][2] == kind_of(inputs[name]):
                links[-1][1] += 1
            else:
                links.append([slot, 1, kind_of(inputs[name])])
    itself = tuple((slot, kind_of(inputs[name])) for slot, name in enumerate(names) if "=" in inputs[name])
    kinds = max((kind_of(inputs[name]) + 1 for name in second), default=0)
    links.sort(key=lambda link: link[2])
    extra = tuple(range(len(names), len(names) + eq.extra))
    count = max(len(names) + eq.extra, len(cell.saved) + eq.hidden)
    return Slots(names, places, first, extra, tuple(map(tuple, links)), itself, kinds, count)


def places_of(cell):
    """Slots of the pre-activations and what follows them, of what is saved, and places of the states besides the first,
    for the compiler."""
    slots, saved = slots_of(cell), tuple(range(len(cell.saved) + cell.equations.hidden))
    return Static(slots.places + slots.extra), Static(saved), Static(tuple(range(len(cell.states) - 1)))


@helper
def state(others, n, h, c, t, b, p):
    """The states (h, c) before step t of row b, panel p; (h1, c1): after it."""
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
    equations, real, places = inlined(cell.equations.forward), Static(dtype), Static(slots_of(cell).places)
    _, saved, others = places_of(cell)

    def forward(t, lo, hi, p0, p1, args_address):
        n = read(args_address)
        z, h, c = pointer(real, n.z), pointer(real, n.h), pointer(real, n.c)
        h1, c1 = pointer(real, n.h1), pointer(real, n.c1)
        V = lanes(z)
        for p in range(p0, p1):
            for b in range(lo, hi):
                s = state(others, n, h, c, t, b, p)
                if valid(n, t, b):
                    s, kept = equations(load_each(places, z, z_at(n, t, b, p), V), s)
                    store_each(saved, z, z_at(n, t, b, p), V, kept)
                store_each(ONE, h1, t * n.h_t + b * n.h_b + p * V, 0, s[:1])
                store_each(others, c1, t * n.c_t + b * n.c_b + p * V, n.P * V, s[1:])

    return compiled(EQUATIONS, forward)


@functools.cache
def backward_equations(cell, dtype):
    """Address of the kernel dz, ds = backward(saved, s, s1, ds1): dz takes the place of what was saved, and ds, the
    part that needs no product, that of ds1. Masked rows keep their ds1."""
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
                    later = load_each(ONE, dh, b * n.h_b + p * V, 0) + load_each(others, dc, b * n.c_b + p * V, n.P * V)
                    ds1 = as_tuple(merged(count, states, later, output_states, d))
                    s, s1 = state(others, n, h, c, t, b, p), state(others, n, h1, c1, t, b, p)
                    dz, ds = equations(load_each(saved, z, z_at(n, t, b, p), V), s, s1, ds1)
                    store_each(places, z, z_at(n, t, b, p), V, first_lanes(dz, inside))
                    store_each(ONE, dh, b * n.h_b + p * V, 0, ds[:1])
                    store_each(others, dc, b * n.c_b + p * V, n.P * V, ds[1:])
                else:
                    store_each(places, z, z_at(n, t, b, p), V, zeros_like(places, z))

    return compiled(EQUATIONS, backward)


def products_and_itself(cell):
    """For the compiler: which numbers of q are multiplied, which are pre-activations themselves, and their slots."""
    slots = slots_of(cell)
    multiplied = tuple(sorted({kind for _, _, kind in slots.links}))
    return Static(multiplied), Static(tuple(k for _, k in slots.itself)), Static(tuple(s for s, _ in slots.itself))


@functools.cache
def feedback_equations(cell, dtype):
    """Address of the kernel q, carried = feedback(z, s): what is carried takes the place of z; q is zero where
    masked."""
    equations, real = inlined(cell.equations.feedback), Static(dtype)
    first, others = Static(slots_of(cell).first), places_of(cell)[2]
    multiplied, itself, itself_slots = products_and_itself(cell)

    def feedback(t, lo, hi, p0, p1, args_address):
        n = read(args_address)
        z, h, c, q = pointer(real, n.z), pointer(real, n.h), pointer(real, n.c), pointer(real, n.q)
        V = lanes(z)
        for p in range(p0, p1):
            for b in range(lo, hi):
                at, q_at = z_at(n, t, b, p), t * n.q_t + b * n.q_b + p * V
                if valid(n, t, b):
                    found, carried = equations(load_each(first, z, at, V), state(others, n, h, c, t, b, p))
                    values = as_tuple(found)
                    store_each(multiplied, q, q_at, n.q_kind, chosen(multiplied, values))
                    store_each(itself_slots, z, at, V, chosen(itself, values))
                    store_each(first, z, at, V, carried)
                else:
                    store_each(multiplied, q, q_at, n.q_kind, zeros_like(multiplied, q))
                    store_each(itself_slots, z, at, V, zeros_like(itself, q))

    return compiled(EQUATIONS, feedback)


@functools.cache
def feedback_backward_equations(cell, dtype):
    """Address of the kernel dz, ds = feedback_backward(carried, s, dq): dz takes the place of what was carried, ds
    is added."""
    equations, real, slots = inlined(cell.equations.feedback_backward), Static(dtype), slots_of(cell)
    carried, first, others = Static(slots.first + slots.extra), Static(slots.first), places_of(cell)[2]
    multiplied, itself, itself_slots = products_and_itself(cell)
    kinds = Static(slots.kinds)

    def feedback_backward(t, lo, hi, p0, p1, args_address):
        n = read(args_address)
        z, h, c = pointer(real, n.z), pointer(real, n.h), pointer(real, n.c)
        dh, dc, dq = pointer(real, n.dh), pointer(real, n.dc), pointer(real, n.dq)
        V = lanes(z)
        for p in range(p0, p1):
            for b in range(lo, hi):
                if valid(n, t, b):
                    at, s = z_at(n, t, b, p), state(others, n, h, c, t, b, p)
                    through_products = load_each(multiplied, dq, b * n.q_b + p * V, n.q_kind)
                    d = merged(kinds, multiplied, through_products, itself, load_each(itself_slots, z, at, V))
                    dz, ds = equations(load_each(carried, z, at, V), s, d)
                    store_each(first, z, at, V, first_lanes(dz, n.H - p * V))
                    store(dh, b * n.h_b + p * V, load(dh, b * n.h_b + p * V) + ds[0])
                    before = load_each(others, dc, b * n.c_b + p * V, n.P * V)
                    store_each(others, dc, b * n.c_b + p * V, n.P * V, added(before, ds[1:]))

    return compiled(EQUATIONS, feedback_backward)
