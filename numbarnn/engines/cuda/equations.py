"""A cell's equations inside CUDA kernels: the same Python functions as everywhere, called with tuples of numbers.

`register_jitable` and the overloads of `maths` hold for the CPU and the GPU alike, so nothing is translated; `scalars`
has shorter forms of some. What is made here reads and writes those tuples: loops over places that are known when a
kernel is compiled.
"""

import functools
from typing import NamedTuple

from numba.extending import register_jitable

from ...maths import zero
from . import scalars  # noqa: F401, where kernels find sigmoid and tanh
from .tuples import zeros


@register_jitable
def read_nothing(array, t, b, u):
    return ()


@register_jitable
def write_nothing(array, t, b, u, values):
    pass


@functools.cache
def read_slots(places):
    """`read(a, t, b, u)`: the tuple of a[t, b, place, u]."""
    if not places:
        return read_nothing
    place, rest = places[0], read_slots(places[1:])

    @register_jitable
    def read(array, t, b, u):
        return (array[t, b, place, u], *rest(array, t, b, u))

    return read


@functools.cache
def write_slots(places):
    """`write(a, t, b, u, values)`: a[t, b, place, u] = value for each place; there may be more values than places."""
    if not places:
        return write_nothing
    place, rest = places[0], write_slots(places[1:])

    @register_jitable
    def write(array, t, b, u, values):
        array[t, b, place, u] = values[0]
        rest(array, t, b, u, values[1:])

    return write


@functools.cache
def read_planes(count, first=0):
    """`read(a, t, b, u)`: the tuple of a[i, t, b, u], i from `first` to `count`."""
    if first >= count:
        return read_nothing
    rest = read_planes(count, first + 1)

    @register_jitable
    def read(array, t, b, u):
        return (array[first, t, b, u], *rest(array, t, b, u))

    return read


@functools.cache
def write_planes(count, first=0):
    if first >= count:
        return write_nothing
    rest = write_planes(count, first + 1)

    @register_jitable
    def write(array, t, b, u, values):
        array[first, t, b, u] = values[0]
        rest(array, t, b, u, values[1:])

    return write


@functools.cache
def read_side_by_side(places):
    """`read(a, t, b, u, H)`: the tuple of a[t, b, place * H + u]."""
    if not places:
        return register_jitable(lambda array, t, b, u, H: ())
    place, rest = places[0], read_side_by_side(places[1:])
    return register_jitable(lambda array, t, b, u, H: (array[t, b, place * H + u], *rest(array, t, b, u, H)))


@functools.cache
def read_unless(count):
    """`read(a, t, b, u, dropped)`: as `read_planes`, or zeros."""
    read_all, no = read_planes(count), zeros(count)

    @register_jitable
    def read(array, t, b, u, dropped):
        return no(array[0, t, b, u]) if dropped else read_all(array, t, b, u)

    return read


@functools.cache
def as_tuple(count):
    """What `feedback` returns, one number or several, as a tuple."""
    return register_jitable((lambda q: (q,)) if count == 1 else (lambda q: q))


@functools.cache
def as_found(count):
    """The other way round."""
    return register_jitable((lambda q: q[0]) if count == 1 else (lambda q: q))


@functools.cache
def add_itself(itself):
    """`add(z, t, b, u, q)`: each of the pre-activations that are q itself gets its number."""
    if not itself:
        return write_nothing
    (slot, kind), rest = itself[0], add_itself(itself[1:])

    @register_jitable
    def add(z, t, b, u, q):
        z[t, b, slot, u] += q[kind]
        rest(z, t, b, u, q)

    return add


@functools.cache
def gradients_of_q(kinds, multiplied, itself):
    """`read(dq, z, t, b, u)`: the gradients of q by way of its products, from dq[0, b, kind, u], and of q itself, from
    dz."""
    if not kinds:
        return register_jitable(lambda dq, z, t, b, u: ())
    kind, slots = kinds - 1, tuple(slot for slot, k in itself if k == kinds - 1)
    first, direct, by_product = gradients_of_q(kind, multiplied, itself), sum_of_slots(slots), kind in multiplied

    @register_jitable
    def read(dq, z, t, b, u):
        d = direct(z, t, b, u)
        if by_product:
            d = d + dq[0, b, kind, u]
        return (*first(dq, z, t, b, u), d)

    return read


@functools.cache
def sum_of_slots(places):
    if not places:
        return register_jitable(lambda array, t, b, u: zero(array[t, b, 0, u]))
    place, rest = places[0], sum_of_slots(places[1:])
    return register_jitable(lambda array, t, b, u: array[t, b, place, u] + rest(array, t, b, u))


class Slots(NamedTuple):
    """Where things stand in z[t, b, slot, u]: pre-activation i of the cell in slot i, and in their place what is saved,
    and then dz."""

    first: tuple  # pre-activations that are known before q
    second: tuple  # those that q feeds
    extra: tuple  # what only `feedback_backward` gets
    saved: tuple
    itself: tuple  # (slot, which q) of each pre-activation that is q itself
    masks: tuple  # given ones, without a gradient
    kinds: int  # numbers of q
    count: int

    @property
    def inputs(self):
        return tuple(range(len(self.first) + len(self.second)))


def kind_of(fed):
    """Which number of q."""
    return int(fed[-1]) if fed[-1:].isdecimal() else 0


@functools.cache
def slots_of(cell):
    inputs, eq = list(cell.inputs.values()), cell.equations
    second = tuple(i for i, fed in enumerate(inputs) if set(fed) & set("q="))
    first = tuple(i for i in range(len(inputs)) if i not in second)
    saved = tuple(range(len(cell.saved) + eq.hidden))
    extra = tuple(range(len(inputs), len(inputs) + eq.extra))
    itself = tuple((i, kind_of(inputs[i])) for i in second if "=" in inputs[i])
    masks = tuple(i for i in first if inputs[i] == "m")
    kinds = max((kind_of(inputs[i]) + 1 for i in second), default=0)
    return Slots(first, second, extra, saved, itself, masks, kinds, max(len(inputs) + eq.extra, len(saved)))
