"""A cell in words: its class, arguments and options; and its reference."""

from dataclasses import dataclass, field
from functools import partial

from . import references
from .unrolled import unroll


@dataclass(frozen=True)
class Node:
    """`arguments` are those by position: units, or the cells that a composite is made of, as Nodes."""

    cell: str
    arguments: tuple
    options: dict = field(default_factory=dict)

    def __str__(self):
        described = [*map(shown, self.arguments), *(f"{name}={shown(value)}" for name, value in self.options.items())]
        return f"{self.cell}({', '.join(described)})"

    def step(self, f):
        """The reference's `step(params, x, state) -> output, state, gates` with the functions of f."""
        return self._bound("step", f)

    def run(self, f):
        """The reference over sequences: `run(params, x, state, mask, reverse)`, like `unroll` of the step."""
        return partial(unroll, self.step(f)) if self.steps else self._bound("run", f)

    @property
    def steps(self):
        """Whether the reference goes through time step by step, and not in one direction after the other."""
        return hasattr(references.load()[self.cell], "step") and all(part.steps for part in self.parts)

    @property
    def cells(self):
        """The names of this cell and of all that it is made of."""
        return {self.cell}.union(*(part.cells for part in self.parts))

    def _bound(self, kind, f):
        function = getattr(references.load()[self.cell], kind)
        cells = tuple(getattr(part, kind)(f) for part in self.parts)
        return partial(function, *([cells] if cells else []), f=f, **self.options)

    @property
    def parts(self):
        """The Nodes among the arguments."""
        flat = [part for a in self.arguments for part in (a if isinstance(a, tuple) else (a,))]
        return tuple(part for part in flat if isinstance(part, Node))


def shown(value):
    """The value in words, the same in every run: functions by name."""
    if isinstance(value, tuple):
        return f"({', '.join(map(shown, value))})"
    return value.__name__ if callable(value) else str(value)
