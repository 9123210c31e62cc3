"""Device functions on tuples of numbers whose places are known when a kernel is compiled."""

import functools

from numba.extending import register_jitable

from ..maths import zero


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
def put(places):
    """(array, at, step, values): array[at + j * step] = values[places[j]]."""
    if not places:
        return register_jitable(lambda array, at, step, values: None)
    first, last, place = put(places[:-1]), len(places) - 1, places[-1]

    @register_jitable
    def put_all(array, at, step, values):
        first(array, at, step, values)
        array[at + last * step] = values[place]

    return put_all


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


def fed_by_h(cell):
    """Places of the pre-activations that h feeds, in the order of the recurrent kernel's blocks."""
    return tuple(i for i, fed in enumerate(cell.inputs.values()) if "h" in fed)
