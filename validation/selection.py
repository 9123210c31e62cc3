"""Which part of the suite is run."""

from dataclasses import dataclass

from .compare import DTYPES
from .node import shown

DEFAULT = "default"  # among options: cases without any


@dataclass(frozen=True)
class Selection:
    """What was asked for; an empty tuple stands for everything.

    `options` are names ("cell_clip"), choices ("activation=relu") or `DEFAULT`; `shapes` are `cases.Shape`; `seeds` are
    those of cases (`Case.seed`); of `peers` none are run by default. `reached`: cells that a change can reach, by
    themselves or as a part of another cell.
    """

    quick: bool = False
    checks: tuple = ()
    cells: tuple = ()
    options: tuple = ()
    dtypes: tuple = DTYPES
    devices: tuple = ("cpu",)
    shapes: tuple = ()
    seeds: tuple = ()
    peers: tuple = ()
    reached: frozenset | None = None

    def names(self, known):
        """Of the names of cells or functions, those that were asked for."""
        return [name for name in known if not self.cells or name in self.cells]

    def has(self, case):
        """Whether a case was asked for."""
        return (
            (not self.options or not self.options_of(case).isdisjoint(self.options))
            and (not self.shapes or case.shape in self.shapes)
            and (not self.seeds or case.seed in self.seeds)
            and (self.reached is None or not self.reached.isdisjoint(case.node.cells))
        )

    @staticmethod
    def options_of(case):
        """The names by which the options of a case are chosen."""
        choices = {f"{name}={shown(value)}" for name, value in case.options.items()}
        return choices | case.options.keys() or {DEFAULT}


ALL = Selection()
