"""Work stealing: an idle thread takes half of the remaining rows of a busy one.

Processors are never equally fast for long. Rows do not depend on each other, so they can change threads at any step,
and the results are the same bits. All threads share one mailbox of five integers: its status, the number of active
threads, and the rows on offer: the step they start from, the first row, the last + 1. An idle thread sets the status
to WAITING; a busy one claims that (TAKEN), writes the rows and sets it to OFFERED.
"""

from ...runtime.memory import WHOLE, get, pointer, put
from ...runtime.simd import helper
from .barrier import compare_exchange, fetch_add, load_acquire, pause

IDLE, WAITING, TAKEN, OFFERED = range(4)
ACTIVE, STEP, FIRST, LAST = range(1, 5)
WORD = 8  # bytes
MIN_ROWS = 4  # fewer rows are not worth two threads
SPIN_LIMIT = 100_000  # polls before an idle thread returns, some 2 ms: rows are on offer only between steps


@helper
def start(mailbox):
    """Count this thread as active."""
    if mailbox:
        fetch_add(mailbox + WORD * ACTIVE, 1)


@helper
def offer_rows(mailbox, t, lo, hi):
    """Offer the upper half of the rows lo..hi, from step t on, to an idle thread; returns the last + 1 of the rows that
    this thread keeps."""
    if mailbox == 0 or hi - lo < MIN_ROWS:
        return hi
    if load_acquire(mailbox) != WAITING or not compare_exchange(mailbox, WAITING, TAKEN):
        return hi
    half, offer = (lo + hi + 1) // 2, pointer(WHOLE, mailbox)
    fetch_add(mailbox + WORD * ACTIVE, 1)  # for the idle thread, before this one can finish
    put(offer, STEP, t)
    put(offer, FIRST, half)
    put(offer, LAST, hi)
    compare_exchange(mailbox, TAKEN, OFFERED)
    return half


@helper
def steal_rows(mailbox):
    """Wait for the rows of a busy thread; returns their first step and lo..hi, which is empty if there are none."""
    if mailbox == 0:
        return 0, 0, 0
    fetch_add(mailbox + WORD * ACTIVE, -1)
    waits, polls = False, 0
    while True:
        waits = waits or compare_exchange(mailbox, IDLE, WAITING)
        if waits and load_acquire(mailbox) == OFFERED:
            offer = pointer(WHOLE, mailbox)
            found = get(offer, STEP), get(offer, FIRST), get(offer, LAST)
            compare_exchange(mailbox, OFFERED, IDLE)
            return found
        polls += 1
        gives_up = polls > SPIN_LIMIT or load_acquire(mailbox + WORD * ACTIVE) == 0
        if gives_up and (not waits or compare_exchange(mailbox, WAITING, IDLE)):  # else rows are on their way
            return 0, 0, 0
        pause()
