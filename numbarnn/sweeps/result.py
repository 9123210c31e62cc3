"""What a sweep has found: its cases, a table and curves."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean, stdev
from typing import Any

from ..errors import InputError
from ..utils.figures import legend_below, new_figure


@dataclass(frozen=True)
class Case:
    """One run of a sweep.

    Parameters
    ----------
    values : dict of {str: value}
        The point of the grid.
    seed : int
        The seed.
    final : dict of {str: float or None}
        What the function returned, None where that is not finite; empty if it failed.
    epochs : list of dict of {str: float or None}
        Values of each epoch, if the function returned any.
    seconds : float
        Time that it took.
    error : str, optional
        Why it failed.
    """

    values: dict[str, Any]
    seed: int
    final: dict[str, float | None] = field(default_factory=dict)
    epochs: list[dict[str, float | None]] = field(default_factory=list)
    seconds: float = 0.0
    error: str | None = None

    @property
    def name(self) -> str:
        """The values and the seed, such as "lr=0.001,seed=0"."""
        return name_of(self.values | {"seed": self.seed})


class Sweep:
    """The cases of a sweep, in the order of the grid.

    Parameters
    ----------
    cases : sequence of Case
        All of them.
    """

    def __init__(self, cases: Sequence[Case]):
        self.cases = list(cases)

    def __repr__(self):
        return f"Sweep({len(self.cases)} cases, {len(self.failed)} failed)"

    @property
    def failed(self) -> list[Case]:
        """The cases that raised an error."""
        return [case for case in self.cases if case.error is not None]

    def points(self) -> dict[str, list[Case]]:
        """Group the cases by the points of the grid.

        Returns
        -------
        dict of {str: list of Case}
            The cases of all seeds for each point, such as "lr=0.001".
        """
        points: dict[str, list[Case]] = {}
        for case in self.cases:
            points.setdefault(name_of(case.values), []).append(case)
        return points

    def table(self) -> str:
        """Write a table: for each point of the grid the mean of each value over the seeds, and its standard deviation.

        Returns
        -------
        str
            Lines of equal width. "failed" counts the seeds that raised an error.
        """
        keys = list(dict.fromkeys(key for case in self.cases for key in case.final))
        rows = [["", *keys, "failed"]]
        for name, cases in self.points().items():
            done = [case.final for case in cases if case.error is None]
            figures = [spread([final.get(key) for final in done]) for key in keys]
            rows.append([name, *figures, f"{len(cases) - len(done)} of {len(cases)}"])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows)
        return "\n".join(line.rstrip() for line in lines)

    def plot(self, key: str) -> Any:
        """Draw a value over the epochs: for each point of the grid the mean, and a band from the least to the greatest
        over the seeds.

        Parameters
        ----------
        key : str
            A value of the epochs, such as "val_loss".

        Returns
        -------
        matplotlib.figure.Figure
            The figure.

        Raises
        ------
        InputError
            No case has this value.
        ImportError
            matplotlib is missing (the extra "plot").
        """
        known = list(dict.fromkeys(key for case in self.cases for epoch in case.epochs for key in epoch))
        if key not in known:
            raise InputError(f"Sweep.plot: expected one of {', '.join(known) or 'no values'}, got {key!r}")
        figure, axes = new_figure("Sweep.plot", figsize=(8, 5), layout="constrained")
        for name, cases in self.points().items():
            curves = [[epoch.get(key) for epoch in case.epochs] for case in cases]
            steps = [[value for value in step if value is not None] for step in itertools.zip_longest(*curves)]
            epochs = [epoch for epoch, step in enumerate(steps, 1) if step]
            steps = [step for step in steps if step]
            (line,) = axes.plot(epochs, [mean(step) for step in steps], marker=".", label=name)
            axes.fill_between(epochs, list(map(min, steps)), list(map(max, steps)), color=line.get_color(), alpha=0.2)
        axes.set_xlabel("epoch")
        axes.set_ylabel(key)
        legend_below(axes)
        return figure


def format_value(value: Any) -> str:
    """Write a value for a file name; other characters than those of words and numbers become "_"."""
    return re.sub(r"[^\w.+-]", "_", f"{value}")


def name_of(values: Mapping[str, Any]) -> str:
    """Name a point of the grid, or a case."""
    return ",".join(f"{name}={format_value(value)}" for name, value in values.items()) or "default"


def spread(values: Sequence[float | None]) -> str:
    """Write the mean of those that are numbers, and their standard deviation if there are several."""
    numbers = [value for value in values if value is not None]
    if not numbers:
        return "-"
    return f"{mean(numbers):.4g}" + (f" ± {stdev(numbers):.2g}" if len(numbers) > 1 else "")
