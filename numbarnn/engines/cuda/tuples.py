"""Device functions on tuples of numbers whose places are known when a kernel is compiled."""

import functools

from numba.extending import register_jitable

from ...maths import zero


@functools.cache
def plus(places, count):
    """(values, more) -> `count` values with more[j] added at places[j]."""
    if count == 0:
        return register_jitable(lambda values, more: ())
    first, last = plus(places, count - 1), count - 1
    if last not in places:
        return register_jitable(lambda values, more: (*first(values, more), values[last]))
    j = places.index(last)
    return register_jitable(lambda values, more: (*first(values, more), values[last] + more[j]))


@functools.cache
def zeros(count):
    """(x) -> `count` zeros like the number x."""
    if count == 0:
        return register_jitable(lambda x: ())
    first = zeros(count - 1)
    return register_jitable(lambda x: (*first(x), zero(x)))


@functools.cache
def pick(places):
    """(values) -> those at these places."""
    if not places:
        return register_jitable(lambda values: ())
    first, last = pick(places[:-1]), places[-1]
    return register_jitable(lambda values: (*first(values), values[last]))


@functools.cache
def replace(places, count):
    """(values, others) -> `count` values with others[j] in the place of that at places[j]."""
    if count == 0:
        return register_jitable(lambda values, others: ())
    first, last = replace(places, count - 1), count - 1
    if last not in places:
        return register_jitable(lambda values, others: (*first(values, others), values[last]))
    j = places.index(last)
    return register_jitable(lambda values, others: (*first(values, others), others[j]))


def repeated(function, count):
    """(*args): function(k, *args) for k from 0 to count - 1, written out one after the other."""
    if count == 0:
        return register_jitable(lambda *args: None)
    first, last = repeated(function, count - 1), count - 1

    @register_jitable
    def all_of_them(*args):
        first(*args)
        function(last, *args)

    return all_of_them


def fed_by(cell, source="h"):
    """Places of the pre-activations that h (or q) feeds, in the order of the recurrent kernel's blocks."""
    return tuple(i for i, fed in enumerate(cell.inputs.values()) if source in fed)
