"""A thread that has done its rows takes half of those with which another one is behind.

Processors are never equally fast for long. Rows do not depend on each other, so they can change hands at any step, and
the results are the same bits. Threads meet at a place of a few integers: what is going on there, how many threads walk,
and rows that are given away: a step, the first row, the last + 1.
"""

from ...runtime.memory import WHOLE, get, pointer, put
from ...runtime.simd import helper
from .barrier import add_to, change, look_at, pause

NOBODY, WAITING, TAKEN, OFFERED = range(4)
WALKERS, STEP, FIRST, LAST = range(1, 5)
WORD = 8  # bytes
FEWEST = 4  # rows that are worth two threads
SPIN_LIMIT = 100_000  # looks before a thread leaves, some 2 ms: in a step nobody gives anything away


@helper
def start(place):
    """This thread is going to walk."""
    if place:
        add_to(place + WORD * WALKERS, 1)


@helper
def offer_rows(place, t, lo, hi):
    """The last + 1 of the rows lo..hi that this thread goes on with from step t: half of them go to a thread that
    waits, if there is one."""
    if place == 0 or hi - lo < FEWEST or look_at(place) != WAITING or not change(place, WAITING, TAKEN):
        return hi
    half, offer = (lo + hi + 1) // 2, pointer(WHOLE, place)
    add_to(place + WORD * WALKERS, 1)  # the thread that waits, before this one can be done
    put(offer, STEP, t)
    put(offer, FIRST, half)
    put(offer, LAST, hi)
    change(place, TAKEN, OFFERED)
    return half


@helper
def steal_rows(place):
    """This thread has walked: the step from which it goes on, with rows lo..hi of another; no rows where nobody gives
    any."""
    if place == 0:
        return 0, 0, 0
    add_to(place + WORD * WALKERS, -1)
    waits, looks = False, 0
    while True:
        waits = waits or change(place, NOBODY, WAITING)
        if waits and look_at(place) == OFFERED:
            offer = pointer(WHOLE, place)
            found = get(offer, STEP), get(offer, FIRST), get(offer, LAST)
            change(place, OFFERED, NOBODY)
            return found
        looks += 1
        in_vain = looks > SPIN_LIMIT or look_at(place + WORD * WALKERS) == 0
        if in_vain and (not waits or change(place, WAITING, NOBODY)):  # else rows are on their way
            return 0, 0, 0
        pause()
