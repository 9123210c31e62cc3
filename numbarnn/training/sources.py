"""Where the batches of a pass over the data come from: arrays that are cut, or an iterable that gives them."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from ..errors import InputError, is_positive_integer
from ..utils.padded import Padded
from .batches import Data, batch_rows
from .lengths import LengthPlan, by_length


class Samples:
    """Arrays that are cut into batches, in a new order for each pass if there is a generator to draw it.

    `plan` is that of sequences of different lengths, None for others.
    """

    def __init__(
        self, data: Data, batch_size: int, rng: np.random.Generator | None = None, plan: LengthPlan | None = None
    ):
        self.data, self.batch_size, self.rng, self.plan = data, batch_size, rng, plan
        self.batches = max(1, -(-len(data.x) // batch_size))

    def __iter__(self) -> Iterator[tuple[Data, Any]]:
        """Yield batches, and which rows of the data each has."""
        samples = len(self.data.x)
        if self.plan is not None and self.plan.sorts:
            order = by_length(self.data.x.lengths, self.batch_size, self.rng)
        else:
            order = None if self.rng is None else self.rng.permutation(samples)
        for rows in batch_rows(samples, self.batch_size, order):
            batch = self.data.rows(rows)
            yield (batch if self.plan is None else self.plan.trimmed(batch)), rows

    def rest(self, passes: int, done: int) -> Iterator[tuple[Data, Any]]:
        """Yield what is left of a pass, of which ``done`` batches are gone, like the ``passes`` before it."""
        return islice(self, done, None)


class Stream:
    """An iterable of batches (x, y) or (x, y, sample_weight), each checked when it comes.

    With ``steps`` a pass has so many batches, and the next one goes on behind them; else it is one walk through all.
    """

    def __init__(self, model, caller, source, steps=None, class_weight=None, passes=1):
        option = "validation_steps" if caller.endswith("validation_data") else "steps_per_epoch"
        if steps is None and passes > 1 and hasattr(source, "__next__"):
            expected = f"an iterable that can be walked through again, or {option}"
            raise InputError(f"{caller}: expected {expected}, got a {type(source).__name__}")
        self.model, self.caller, self.source, self.class_weight = model, caller, source, class_weight
        self.steps, self.left = steps, None
        self.batches = (len(source) if hasattr(source, "__len__") else None) if steps is None else steps

    def __iter__(self) -> Iterator[tuple[Data, Any]]:
        """Yield batches, and the places of their rows, counted in the batch."""
        return self.rest(0, 0)

    def rest(self, passes: int, done: int) -> Iterator[tuple[Data, Any]]:
        """Yield what is left of a pass, of which ``done`` batches are gone, like the ``passes`` before it.

        An iterable that has been given its state again goes on by itself; another one is walked through up to there.
        """
        moved, data = hasattr(self.source, "set_state"), None
        if self.steps is None:
            items = islice(walk(self.source), 0 if moved else done, None)
        else:
            for _ in range(0 if moved else passes * self.steps + done):
                self._next()
            items = (self._next(number) for number in range(done, self.steps))
        for item in items:
            data = self._checked(item)
            yield data, slice(0, len(data.y))
        if data is None and not done:
            raise InputError(f"{self.caller}: expected at least one batch, got none")

    def _next(self, number=0):
        """Return the next batch, which has this number in its pass."""
        for _ in range(2):
            if self.left is None:
                self.left = walk(self.source)
            for item in self.left:
                return item
            self.left = None
        raise InputError(f"{self.caller}: expected {self.steps} batches in a pass, got {number}: the iterable ended")

    def _checked(self, item):
        if not isinstance(item, tuple | list) or len(item) not in (2, 3):
            raise InputError(f"{self.caller}: expected batches (x, y) or (x, y, sample_weight), got {_kind(item)}")
        x, y, weights = (*item, None)[:3]
        return self.model._weighted_data(self.caller, x, y, weights, self.class_weight)


def is_stream(x: Any) -> bool:
    """Say whether data are an iterable of batches: a generator, or an object with a length and items; no array."""
    if isinstance(x, np.ndarray | list | tuple | dict | str | Padded) or hasattr(x, "__array__"):
        return False
    return hasattr(x, "__iter__") or (hasattr(x, "__len__") and hasattr(x, "__getitem__"))


def walk(source: Any) -> Iterator:
    """Yield the items of an iterable, or of an object with a length and items such as Keras' ``PyDataset``."""
    yield from source if hasattr(source, "__iter__") else (source[i] for i in range(len(source)))


def refuse_beside_stream(caller: str, **options: Any) -> None:
    """Raise `InputError` for options that say how arrays are cut, since an iterable gives its batches as they are."""
    given = [name for name, value in options.items() if value is not None and not np.array_equal(value, 0)]
    if given:
        raise InputError(f"{caller}: expected no {' and '.join(given)} beside an iterable of batches")


def expect_steps(caller: str, option: str, steps: Any, source: Any) -> None:
    """Raise `InputError` unless a number of batches is one, beside an iterable of batches; None is none."""
    if steps is None:
        return
    if not is_positive_integer(steps):
        raise InputError(f"{caller}: expected {option} to be a positive integer, got {steps!r}")
    if not is_stream(source):
        raise InputError(f"{caller}: expected {option} beside an iterable of batches alone, got it beside arrays")


def inputs_of(source: Iterable, rank: int, steps: int | None = None) -> Iterator:
    """Yield the inputs of batches, at most ``steps``: items are x, or tuples that start with x.

    PyTorch's loaders give lists. A list starts with x if its first array has the ``rank`` of a batch; else it is x, of
    sequences of different lengths, which have an axis less.
    """
    for item in islice(walk(source), steps):
        starts_with_x = isinstance(item, list) and item and getattr(item[0], "ndim", None) == rank
        yield item[0] if isinstance(item, tuple) or starts_with_x else item


def refuse_list_of_batches(caller: str, x: Any, y: Any) -> None:
    """Raise `InputError` for a list of batches (x, y), since a list is one of samples."""
    if y is None and isinstance(x, list) and x and isinstance(x[0], tuple):
        raise InputError(
            f"{caller}: expected an iterable of batches that is no list, such as iter(batches), got a list"
        )


def _kind(item):
    return f"a {type(item).__name__}" + (f" of {len(item)}" if isinstance(item, tuple | list) else "")
