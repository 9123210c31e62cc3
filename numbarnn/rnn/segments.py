"""Truncated BPTT over a stream: time in pieces, of which never more than the last k2 steps are held.

Time is cut where backward passes end and where their windows start (see `windows`). What learns is given as `now()`, a
function `run` that computes with the parameters of this moment: `run(steps, state)` goes over some `Steps` from a
state and gives an object with `output` and `mask` for `measure`, the final `state`, and `backward(d_output, d_state,
**options) -> {parameter: gradient}, gradient of the state before`. A cell and a chain of layers are such things.
"""

from collections import deque
from collections.abc import Callable
from itertools import chain, islice, pairwise
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError
from ..utils.tree import tree_map


class Steps(NamedTuple):
    """Some steps of a stream, the first of them step `start`: inputs and labels (B, n, ...), and where there are such,
    a mask and weights (B, n)."""

    start: int
    x: np.ndarray
    y: np.ndarray
    mask: np.ndarray | None = None
    weights: np.ndarray | None = None

    @property
    def count(self):
        return self.x.shape[1]

    @property
    def end(self):
        return self.start + self.count

    def between(self, start, end):
        """Those of the steps that lie in start..end."""
        a, b = (min(max(0, t - self.start), self.count) for t in (start, end))
        return Steps(self.start + a, *(None if array is None else array[:, a:b] for array in self[1:]))

    def parts(self, *cuts):
        """The steps in parts, cut ahead of the given ones."""
        inside = sorted({t for t in cuts if self.start < t < self.end})
        return [self.between(*ends) for ends in pairwise((self.start, *inside, self.end))] if self.count else []


class SegmentRun(NamedTuple):
    """A run over steps: the function that made it, the states before and after, and what it gave."""

    steps: Steps
    run: Callable
    before: Any
    ran: Any
    after: Any


class Backward(NamedTuple):
    """A backward pass: the `measured` loss, the gradients {name: array}, and the output and the state of the newest
    steps."""

    measured: Any
    gradients: dict
    output: np.ndarray
    state: Any


class Joined:
    """What runs over steps that follow one another gave, as `measure` reads it."""

    def __init__(self, runs):
        self.runs = runs

    @property
    def output(self):
        return one_after_another([run.output for run in self.runs])

    @property
    def pre_activation(self):
        return one_after_another([run.pre_activation for run in self.runs])

    @property
    def mask(self):
        return joined_masks([run.mask for run in self.runs], [run.output for run in self.runs])

    @property
    def penalty(self):
        return sum(run.penalty for run in self.runs)


def one_after_another(arrays):
    """Arrays (B, n, ...) as one; None where there are none."""
    return arrays[0] if len(arrays) == 1 or arrays[0] is None else np.concatenate(arrays, axis=1)


def joined_masks(masks, arrays):
    """Masks of these arrays (B, n, ...) as one; None: all steps count."""
    if all(mask is None for mask in masks):
        return None
    pairs = zip(masks, arrays, strict=True)
    return one_after_another([np.ones(a.shape[:2], bool) if mask is None else mask for mask, a in pairs])


def joined(parts):
    """`Steps` that follow one another as one."""
    x, y, weights = (one_after_another([getattr(part, name) for part in parts]) for name in ("x", "y", "weights"))
    return Steps(parts[0].start, x, y, joined_masks([p.mask for p in parts], [p.x for p in parts]), weights)


def chunks_of(count, stream):
    """A stream of `Steps` of any lengths in chunks of so many steps; the last may be shorter."""
    rest = []
    for steps in stream:
        first = rest[0].start if rest else steps.start
        *whole, last = steps.parts(*range(first + count, steps.end + 1, count)) or [steps]
        for part in whole:
            yield joined([*rest, part])
            rest = []
        rest = [*rest, last]
        if last.end - rest[0].start == count:
            yield joined(rest)
            rest = []
    if rest and rest[-1].end > rest[0].start:
        yield joined(rest)


def run_through(run, parts, state):
    """A `SegmentRun` of each part, from the state after the one before."""
    pieces = []
    for steps in parts:
        ran = run(steps, state)
        after = tree_map(np.copy, ran.state)  # a view would keep alive what the run holds
        pieces.append(SegmentRun(steps, run, state, ran, after))
        state = after
    return pieces


def stale(chunks, make_runner, k2, state):
    """Per chunk the pieces of the last k2 steps, each as it was run when it was new."""
    ring = deque()
    for chunk in chunks:
        start = chunk.end - k2
        while ring and ring[0].steps.end <= start:
            ring.popleft()
        if ring and ring[0].steps.start < start:  # the last chunk is short: the same piece again, in two
            oldest = ring.popleft()
            ring.append(run_through(oldest.run, oldest.steps.parts(start), oldest.before)[1])
            ring.rotate()
        later_start = chunk.end - k2 % chunk.count  # of a window, if chunks go on like this
        ring.extend(run_through(make_runner(), chunk.parts(later_start), state))
        state = ring[-1].after
        yield ring, chunk


def refreshed(chunks, make_runner, k2, state):
    """Per chunk the pieces of the last k2 steps, run again from the state that the pass before had at their start."""
    ring, held = [], []
    for chunk, following in pairwise(chain(chunks, [None])):
        window, run = joined([*held, chunk]), make_runner()
        kept = window.start if following is None else max(window.start, following.end - k2)
        ring.extend(run_through(run, window.parts(kept, chunk.start), state))
        yield ring, chunk
        state = next((piece.before for piece in ring if piece.steps.start == kept), ring[-1].after)
        held = [window.between(kept, window.end)]
        ring.clear()


ACTIVATIONS = {"stale": stale, "refresh": refreshed}


def check_activations(caller, activations):
    if activations not in ACTIVATIONS:
        raise InputError(f"{caller}: expected activations to be 'stale' or 'refresh', got {activations!r}")


def backward_passes(stream, make_runner, measure, truncate, loss_scope, activations, state):
    """A `Backward` after every k1 steps of a stream of `Steps`, and at its end.

    `measure(run, steps)` gives the `gradient` of the loss with respect to a run's output, and `options` for `backward`.
    """
    k1, k2 = truncate
    for pieces, chunk in ACTIVATIONS[activations](chunks_of(k1, stream), make_runner, k2, state):
        yield backward_pass(pieces, chunk.start, measure, loss_scope)


def backward_pass(pieces, new_from, measure, loss_scope):
    """The `Backward` over pieces, those from the step `new_from` on being new."""
    silent = sum(piece.steps.start < new_from for piece in pieces) if loss_scope == "new" else 0
    seen = list(islice(pieces, silent, None))
    measured = measure(Joined([piece.ran for piece in seen]), joined([piece.steps for piece in seen]))
    d_outputs = np.split(measured.gradient, np.cumsum([piece.steps.count for piece in seen])[:-1], axis=1)
    gradients, d_state = {}, None
    for piece, d_output in zip(reversed(pieces), reversed([None] * silent + d_outputs), strict=True):
        options = {} if d_output is None else measured.options
        found, d_state = piece.ran.backward(d_output, d_state, **options)
        gradients |= {name: gradients[name] + g if name in gradients else g for name, g in found.items()}
    newest = Joined([piece.ran for piece in seen if piece.steps.start >= new_from]).output
    return Backward(measured, gradients, newest, pieces[-1].after)
