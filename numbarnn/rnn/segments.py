"""Truncated BPTT over a stream: time in segments, of which at most the last k2 steps are held.

A segment ends where a backward pass ends or a later window starts (see `truncation`). The learner is a function
`make_runner()`. It returns `run(steps, state)`, which computes with the parameters of this moment: it runs over `Steps`
from a state and returns a `Run` or a `ForwardPass`, that is, an object with `outputs`, `mask`, `state` and
`backward(d_outputs, d_state, **options)` -> `Gradients`.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice, pairwise
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError
from ..utils.tree import tree_map


class Steps(NamedTuple):
    """Consecutive steps of a stream, the first of which is step `start`."""

    start: int
    x: np.ndarray  # (B, n, ...)
    y: np.ndarray  # (B, n, ...)
    mask: np.ndarray | None = None  # (B, n)
    weights: np.ndarray | None = None  # (B, n)

    @property
    def count(self) -> int:
        return self.x.shape[1]

    @property
    def end(self) -> int:
        return self.start + self.count

    def between(self, start: int, end: int) -> "Steps":
        """Return those of the steps that lie in start..end."""
        a, b = (min(max(0, t - self.start), self.count) for t in (start, end))
        return Steps(self.start + a, *(None if array is None else array[:, a:b] for array in self[1:]))

    def parts(self, *cuts: int) -> list["Steps"]:
        """Return the steps in parts, cut before the given ones."""
        inside = sorted({t for t in cuts if self.start < t < self.end})
        return [self.between(*ends) for ends in pairwise((self.start, *inside, self.end))] if self.count else []


class SegmentRun(NamedTuple):
    """The run over a segment, with the states before and after it."""

    steps: Steps
    runner: Callable  # the function that made it
    before: Any
    run: Any  # a `Run` or a `ForwardPass`
    after: Any


class BackwardPass(NamedTuple):
    """The result of a backward pass."""

    measured: Any  # the loss
    gradients: dict  # {name: array}
    outputs: np.ndarray  # of the newest steps
    state: Any  # after them


class Joined:
    """The runs over consecutive segments, as one run for `measure`."""

    def __init__(self, runs):
        self.runs = runs

    @property
    def outputs(self):
        return concatenated([run.outputs for run in self.runs])

    @property
    def pre_activation(self):
        return concatenated([run.pre_activation for run in self.runs])

    @property
    def mask(self):
        return concatenated_masks([run.mask for run in self.runs], [run.outputs for run in self.runs])

    @property
    def penalty(self):
        return sum(run.penalty for run in self.runs)


def concatenated(arrays):
    """Return arrays (B, n, ...) as one; None for a list of None."""
    return arrays[0] if len(arrays) == 1 or arrays[0] is None else np.concatenate(arrays, axis=1)


def concatenated_masks(masks, arrays):
    """Return the masks of these arrays (B, n, ...) as one; None: all steps count."""
    if all(mask is None for mask in masks):
        return None
    pairs = zip(masks, arrays, strict=True)
    return concatenated([np.ones(a.shape[:2], bool) if mask is None else mask for mask, a in pairs])


def joined(parts: list[Steps]) -> Steps:
    """Return consecutive `Steps` as one."""
    x, y, weights = (concatenated([getattr(part, name) for part in parts]) for name in ("x", "y", "weights"))
    return Steps(parts[0].start, x, y, concatenated_masks([p.mask for p in parts], [p.x for p in parts]), weights)


def chunks_of(count: int, stream: Iterable[Steps]) -> Iterator[Steps]:
    """Cut a stream of `Steps` of any lengths into chunks of `count` steps; the last may be shorter."""
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


def run_through(runner, parts, state) -> list[SegmentRun]:
    """Run over each part from the state after the one before."""
    segments = []
    for steps in parts:
        run = runner(steps, state)
        after = tree_map(np.copy, run.state)  # a view would keep alive what the run holds
        segments.append(SegmentRun(steps, runner, state, run, after))
        state = after
    return segments


def stale(chunks, make_runner, k2, state):
    """Yield for each chunk the segments of the last k2 steps, each as it was run when it was new."""
    ring = deque()
    for chunk in chunks:
        start = chunk.end - k2
        while ring and ring[0].steps.end <= start:
            ring.popleft()
        if ring and ring[0].steps.start < start:  # the last chunk is short: run the same segment again, in two
            oldest = ring.popleft()
            ring.append(run_through(oldest.runner, oldest.steps.parts(start), oldest.before)[1])
            ring.rotate()
        later_start = chunk.end - k2 % chunk.count  # of a later window, if all chunks have this length
        ring.extend(run_through(make_runner(), chunk.parts(later_start), state))
        state = ring[-1].after
        yield ring, chunk


def refreshed(chunks, make_runner, k2, state):
    """Yield for each chunk the segments of the last k2 steps, run again from the state kept at their start."""
    ring, held = [], []
    for chunk, following in pairwise(chain(chunks, [None])):
        window, runner = joined([*held, chunk]), make_runner()
        kept = window.start if following is None else max(window.start, following.end - k2)
        ring.extend(run_through(runner, window.parts(kept, chunk.start), state))
        yield ring, chunk
        state = next((segment.before for segment in ring if segment.steps.start == kept), ring[-1].after)
        held = [window.between(kept, window.end)]
        ring.clear()


ACTIVATIONS = {"stale": stale, "refresh": refreshed}


def check_activations(caller: str, activations: str) -> None:
    """Raise `InputError` unless ``activations`` is "stale" or "refresh"."""
    if activations not in ACTIVATIONS:
        raise InputError(f"{caller}: expected activations to be 'stale' or 'refresh', got {activations!r}")


def backward_passes(stream, make_runner, measure, truncate, loss_scope, activations, state) -> Iterator[BackwardPass]:
    """Yield a `BackwardPass` after every k1 steps of a stream of `Steps`, and at its end.

    `measure(run, steps)` returns the `gradient` of the loss with respect to a run's outputs, and the `options` of
    `backward`.
    """
    k1, k2 = truncate
    for segments, chunk in ACTIVATIONS[activations](chunks_of(k1, stream), make_runner, k2, state):
        yield backward_pass(segments, chunk.start, measure, loss_scope)


def backward_pass(segments, new_from, measure, loss_scope) -> BackwardPass:
    """Go back over segments, of which those from the step `new_from` on are new."""
    silent = sum(segment.steps.start < new_from for segment in segments) if loss_scope == "new" else 0
    heard = list(islice(segments, silent, None))
    measured = measure(Joined([segment.run for segment in heard]), joined([segment.steps for segment in heard]))
    d_outputs = np.split(measured.gradient, np.cumsum([segment.steps.count for segment in heard])[:-1], axis=1)
    gradients, d_state = {}, None
    for segment, d_output in zip(reversed(segments), reversed([None] * silent + d_outputs), strict=True):
        options = {} if d_output is None else measured.options
        found = segment.run.backward(d_output, d_state, **options)
        gradients |= {name: gradients[name] + g if name in gradients else g for name, g in found.params.items()}
        d_state = found.initial_state
    newest = Joined([segment.run for segment in heard if segment.steps.start >= new_from]).outputs
    return BackwardPass(measured, gradients, newest, segments[-1].after)
