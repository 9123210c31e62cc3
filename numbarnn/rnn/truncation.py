"""Truncated BPTT(k1, k2): backward passes over windows of the latest steps.

A backward pass starts after every k1 steps and after the last step. It goes back over the k2 steps before; the state
before these is a constant. With loss_scope "new" it takes the losses of the steps since the previous pass, so that each
loss counts once: BPTT(h; h') of Williams and Peng (1990), with h = k2 and h' = k1. With "window" it takes the losses of
all its steps (Sutskever 2013). Steps are counted in the order in which they are read.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from ..engines.interface import CellResult
from ..errors import InputError
from ..utils.tree import tree_map

LOSS_SCOPES = ("new", "window")


class Window(NamedTuple):
    """A backward pass over the steps start..end - 1 with the losses of the steps losses..end - 1."""

    start: int
    end: int
    losses: int


def check_truncate(caller: str, truncate: Any, loss_scope: str = "new") -> tuple[int, int]:
    """Return (k1, k2) as integers, or raise `InputError`."""
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


def is_count(value: Any) -> bool:
    """Say whether a value is a positive integer."""
    return not isinstance(value, bool) and hasattr(value, "__index__") and value.__index__() > 0


def windows(steps: int, k1: int, k2: int, loss_scope: str = "new") -> list[Window]:
    """List the `Window` of every pass in order; for no steps, one empty window."""
    found, previous = [], 0
    for end in (*range(k1, steps, k1), steps):
        start = max(0, end - k2)
        found.append(Window(start, end, previous if loss_scope == "new" else start))
        previous = end
    return found


def groups(passes: Sequence[Window]) -> list[list[Window]]:
    """Divide the passes into the fewest groups whose windows do not overlap, unless they start at the same step.

    One walk back over all steps computes the gradient of a group, cut off where its windows start.
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


def gradient(
    run: CellResult, d_outputs: np.ndarray | None, d_state: Any, passes: Sequence[Window], reverse: bool
) -> tuple[dict[str, np.ndarray], np.ndarray | None, Any]:
    """Sum the gradients of `run.backward` over backward passes; `d_state` belongs to the last of them."""
    in_order = slice(None, None, -1 if reverse else 1)

    def of_group(group):
        starts = [window.start for window in group if window.start > 0]
        cut = np.zeros((len(run.outputs), 1), bool)
        cut[in_order][starts] = True
        d = None
        if d_outputs is not None:
            d = np.zeros_like(d_outputs)
            for window in group:
                counted = slice(window.losses, window.end)
                d[in_order][counted] += d_outputs[in_order][counted]
        return run.backward(d, d_state if passes[-1] in group else tree_map(lambda _: None, d_state), cut)

    return reduce(add, map(of_group, groups(passes)))


def add(a: tuple, b: tuple) -> tuple:
    """Add two gradients (params, inputs, initial state)."""
    inputs = None if a[1] is None else a[1] + b[1]
    return {name: d + b[0][name] for name, d in a[0].items()}, inputs, tree_map(np.add, a[2], b[2])
