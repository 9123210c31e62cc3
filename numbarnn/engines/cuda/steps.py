"""Steps, for kernels that walk through all of them.

Where a thread finds its numbers of the i-th step of a walk is a track: the element of the array, counted from its
start, at which those of the first step are, and how many elements further those of the next one are.
"""

import functools

import numpy as np
from numba.extending import register_jitable

from .target import element, set_element, wide_sum

ZERO = np.float32(0)
unsigned = np.uint32  # for indices: of any other integer, code is made to ask whether it is negative
short, wide = np.int32, np.int64  # sums are wide unless said otherwise
AHEAD = 2  # steps from a load to what needs it: memory may take longer than a step


@register_jitable
def track(T, size, own, reverse):
    """Of an array with `size` elements at each of T times, the thread's `own`-th and others behind it."""
    return (own + wide(T - 1) * size, short(-size)) if reverse else (wide(own), short(size))


@register_jitable
def at(i, track):
    return wide_sum(track[0], i, track[1])


@register_jitable
def ahead(i, T):
    """The step AHEAD of the i-th; near the end the last one, which is loaded again for nothing."""
    return min(short(i + AHEAD), short(T - 1))


def first_loads(load):
    """(T, *args): the tuple of load(i, *args) of the first steps."""
    return loads_of_steps(load, AHEAD)


@functools.cache
def loads_of_steps(load, count):
    if count == 0:
        return register_jitable(lambda T, *args: ())
    before, last = loads_of_steps(load, count - 1), count - 1
    return register_jitable(lambda T, *args: (*before(T, *args), load(short(min(last, T - 1)), *args)))


@register_jitable
def next_ones(loaded, last):
    """Without the first one, which has been used, and with another one."""
    return (*loaded[1:], last)


@functools.cache
def read_places(places):
    """(array, at, step): the tuple of the elements at + place * step."""
    if not places:
        return register_jitable(lambda array, at, step: ())
    first, place = read_places(places[:-1]), places[-1]
    return register_jitable(lambda array, at, step: (*first(array, at, step), element(array, at + place * step)))


@functools.cache
def write_places(places, places_of_values=None, write=set_element):
    """(array, at, step, values): values[j], or those in other places, to at + places[j] * step."""
    if not places:
        return register_jitable(lambda array, at, step, values: None)
    of_values = places_of_values or tuple(range(len(places)))
    first, place, of_value = write_places(places[:-1], of_values[:-1], write), places[-1], of_values[-1]

    @register_jitable
    def write_all(array, at, step, values):
        first(array, at, step, values)
        write(array, at + place * step, values[of_value])

    return write_all


@register_jitable
def output_gradient(d_outputs, at):
    """As a tuple; zero where the outputs have none."""
    return (element(d_outputs, at) if d_outputs.shape[0] > 0 else ZERO,)
