"""Rows or units: how many threads share the units of the same rows.

A thread with rows of its own waits for nobody, but it reads all weights in every step. The threads of a team have the
same rows and share the units: each reads a part of the weights, which its own cache may hold, and they meet in every
step (see `barrier`). Threads form teams of one size: `threads / team` teams share the rows.

What a step costs a thread, in multiply-adds of vectors:

    units in vectors * (x + h + q of one of them) * (rows + READING) + MEETING * team

Here x, h and q are the numbers of weight vectors that these sources need. READING is the number of rows that cost as
much as reading a vector of weights, if a step's weights do not fit the second-level cache, else 0. x W that is hoisted
out of the steps reads nothing in them. The rule takes the team that costs least. To leave rows of their own, which one
thread can take over from another when other programs keep its core busy, it must save SAVING and leave each thread
FEWEST_PANELS; with fewer rows than threads it need not. Whatever it takes, the results are the same bits.
"""

import functools
from pathlib import Path

from ...runtime.simd import BYTES

FEW_ROWS = 12  # of a team; with fewer, x W and dx are hoisted out of the loop over steps, as products with many rows
READING = 12 * BYTES // 64  # rows; a core reads some 12 bytes from the third-level cache in a cycle
MEETING = 1000  # multiply-adds of vectors for each thread, some 0.15 us
SAVING = 0.25
FEWEST_PANELS = 8  # vectors of units of a thread; with fewer, products of the backward pass have narrow tiles
SECOND_LEVEL = Path("/sys/devices/system/cpu/cpu0/cache/index2/size")  # of Linux


@functools.cache
def cache_bytes():
    """Return the bytes of weights that stay in a core's second-level cache: three quarters of it."""
    try:
        text = SECOND_LEVEL.read_text().strip()
    except OSError:
        text = "1024K"
    return int(text.rstrip("K")) * 1024 * 3 // 4


def rows_of_team(sizes, threads, team):
    """Return the most rows of the batch that a team has."""
    return -(-sizes.B // min(sizes.B, threads // team))


def cost(cell, sizes, slots, threads, team):
    """Estimate what a step costs a thread of a team, in multiply-adds of vectors."""
    rows, panels = rows_of_team(sizes, threads, team), -(-sizes.P // team)
    x, h, q = (slots.run(cell, source)[1] for source in "xhq")
    before, within = sizes.I * x, sizes.F * h + sizes.H * q
    if rows >= FEW_ROWS:
        before, within = 0, before + within
    reading = READING if panels * within * BYTES > cache_bytes() else 0
    return panels * (before * rows + within * (rows + reading)) + (MEETING * team if team > 1 else 0)


def team_of(cell, sizes, slots, threads):
    """Choose the size of the teams: one thread, or a divisor of the threads."""
    if cell.norms or cell.num_proj is not None:  # which need all panels of a row between two meetings
        return 1
    idle = threads > sizes.B  # some of them, if each has rows of its own
    most = sizes.P if idle else sizes.P // FEWEST_PANELS
    teams = [n for n in range(2, min(threads, most) + 1) if threads % n == 0 and threads // n <= sizes.B]
    if "u" in cell.inputs.values():  # a step's dx then needs two products, unless it is hoisted
        teams = [n for n in teams if rows_of_team(sizes, threads, n) < FEW_ROWS]
    costs = {team: cost(cell, sizes, slots, threads, team) for team in teams}
    if not idle:
        costs[1] = (1 - SAVING) * cost(cell, sizes, slots, threads, 1)
    return min(costs, key=costs.get, default=1)
