"""Truncated BPTT(k1, k2): which backward passes there are, each over a window of the latest steps.

A pass follows every k1 steps, and the last step; it goes back over the k2 steps before its end, and the state before
them is a constant. With loss_scope "new" it takes the losses of the steps since the pass before, so that each loss
counts once: BPTT(h; h') of Williams and Peng (1990), h = k2 and h' = k1; with "window" those of all its steps
(Sutskever 2013). Steps are counted in the order in which they are read.
"""

from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..utils.tree import tree_map

LOSS_SCOPES = ("new", "window")


class Window(NamedTuple):
    """A backward pass over the steps start..end, with the losses of the steps losses..end; `end` is not among them."""

    start: int
    end: int
    losses: int


def check_truncate(caller, truncate, loss_scope="new"):
    """(k1, k2) as integers. Raises `InputError`."""
    if not isinstance(truncate, tuple | list) or len(truncate) != 2 or not all(map(is_count, truncate)):
        raise InputError(f"{caller}: expected truncate to be a pair (k1, k2) of positive integers, got {truncate!r}")
    k1, k2 = map(int, truncate)
    if k2 < k1:
        raise InputError(
            f"{caller}: expected truncate (k1, k2) with k2 >= k1, or losses would be lost, got {truncate!r}"
        )
    if loss_scope not in LOSS_SCOPES:
        raise InputError(f"{caller}: expected loss_scope to be 'new' or 'window', got {loss_scope!r}")
    return k1, k2


def is_count(value):
    return not isinstance(value, bool) and hasattr(value, "__index__") and value.__index__() > 0


def windows(steps, k1, k2, loss_scope="new"):
    """The `Window` of every pass over so many steps, in order; no steps: one empty pass."""
    found, before = [], 0
    for end in (*range(k1, steps, k1), steps):
        start = max(0, end - k2)
        found.append(Window(start, end, before if loss_scope == "new" else start))
        before = end
    return found


def groups(passes):
    """The passes in as few groups as can be, in which windows either do not overlap or start at the same step.

    The gradients of a group add up in one walk back over all steps, cut off where its windows start.
    """
    found = []
    for window in passes:
        for group in found:
            if group[-1].end <= window.start or group[-1].start == window.start:
                group.append(window)
                break
        else:
            found.append([window])
    return found


def gradient(run, d_outputs, d_state, passes, reverse):
    """What `run.backward` of a `CellResult` gives, summed over these backward passes; d_state belongs to the last."""
    total = None
    read = slice(None, None, -1 if reverse else 1)
    for group in groups(passes):
        starts = [window.start for window in group if window.start > 0]
        cut = np.zeros((len(run.outputs), 1), bool)
        cut[read][starts] = True
        d = None if d_outputs is None else np.zeros_like(d_outputs)
        for window in group if d is not None else ():
            now = slice(window.losses, window.end)
            d[read][now] += d_outputs[read][now]
        of_state = d_state if passes[-1] in group else tree_map(lambda _: None, d_state)
        found = run.backward(d, of_state, cut)
        total = found if total is None else added(total, found)
    return total


def added(a, b):
    """Sums of (params, inputs, initial state)."""
    inputs = None if a[1] is None else a[1] + b[1]
    return {name: d + b[0][name] for name, d in a[0].items()}, inputs, tree_map(np.add, a[2], b[2])
