"""The bytes that a run would hold at each moment, by part, counted without running it."""

from collections import Counter
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .workspace import ALIGNMENT, KEEP, rounded


@dataclass(eq=False)
class Held:
    """Memory that a run would hold."""

    part: str
    size: int  # bytes
    pooled: bool


NOTHING = Held("", 0, False)


class Ledger:
    """What is held at this moment, and at the moment of the most.

    A free block of the pool counts as part of what it was last used for.
    """

    def __init__(self):
        self.held, self.free = [], []
        self.peak, self.at_peak = 0, {}

    def add(self, held):
        reused = next((block for block in self.free if held.pooled and block.size == held.size), None)
        if reused:
            self.free.remove(reused)
        self.held.append(held)
        blocks = self.held + self.free
        now = sum(block.size for block in blocks)
        if now > self.peak:
            self.peak, self.at_peak = now, Counter()
            for block in blocks:
                self.at_peak[block.part] += block.size
        return held

    def remove(self, held):
        self.held.remove(held)
        if held.pooled and sum(block.size for block in self.free) + held.size <= KEEP:
            self.free.append(held)


class PlannedMemory:
    """What NumPy, and the pool of `workspace`, would hold of a run that starts with an empty pool.

    A plan follows a run step by step: it takes and releases what the run does, in the same order.
    """

    def __init__(self, ledger=None, prefix=""):
        self.ledger, self.prefix = ledger or Ledger(), prefix

    def part(self, name: Any) -> "PlannedMemory":
        """Return the same memory for a part of the run, whose name stands before those of its arrays."""
        return PlannedMemory(self.ledger, f"{self.prefix}{name}/")

    def array(self, name: str, shape: tuple[int, ...], itemsize: int) -> Held:
        """Hold a NumPy array."""
        return self.ledger.add(Held(self.prefix + name, prod(shape) * itemsize, False))

    def take(self, name: str, size: int) -> Held:
        """Hold a block of the pool, which has at least so many bytes."""
        return self.ledger.add(Held(self.prefix + name, rounded(size) + ALIGNMENT, True))

    def release(self, *released: Held | None) -> None:
        """Release memory that may have been released already; None is nothing."""
        for held in released:
            if held in self.ledger.held:
                self.ledger.remove(held)

    def held(self, first: int) -> list[Held]:
        """List what is held, but for the `first` ones."""
        return self.ledger.held[first:]

    @property
    def count(self) -> int:
        """How many are held."""
        return len(self.ledger.held)


class PlannedArray(NamedTuple):
    """An array between two layers of a planned pass.

    `time_major`: whether the steps are its first axis in memory. `rows`: those of the table, if a look-up of tokens is
    left to the layer that reads it. `held`: its memory, if only those hold it who read it.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    masked: bool = False
    time_major: bool = False
    rows: int | None = None
    held: Held | None = None

    def hold(self, memory: PlannedMemory, name: str, count: float = 1) -> Held:
        """Hold the array, so many times."""
        return memory.array(name, (round(count * prod(self.shape)),), self.dtype.itemsize)


class PlannedInputs(NamedTuple):
    """The inputs of a cell's planned pass: numbers (T, B, I), or tokens (T, B) below I."""

    steps: int
    batch: int
    features: int
    dtype: np.dtype
    masked: bool = False
    tokens: bool = False

    def array(self, memory: PlannedMemory, name: str, features: int) -> Held:
        """Hold an array (T, B, features)."""
        return memory.array(name, (self.steps, self.batch, features), self.dtype.itemsize)
