"""Progress, the table, and what failed, on the terminal."""

import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from math import isfinite

from ..node import shown
from . import record
from .order import from_cause

ROW = "{:<32} {:<8} {:<19} {:>6} {:>6} {:>8} {:>8} {:>6}  {}"


@dataclass
class Progress:
    """A line on stderr: rewritten in place on a terminal, else a new one every few seconds."""

    started: float = field(default_factory=time.monotonic)
    last: float = 0.0

    def __call__(self, done, total, name):
        now, terminal = time.monotonic(), sys.stderr.isatty()
        if now - self.last < (0.2 if terminal else 10.0):
            return
        self.last, seconds = now, now - self.started
        left = f", about {seconds / done * (total - done):.0f} s left" if done else ""
        line = f"{done}/{total} cases, {seconds:.0f} s{left}: {name}"
        print(f"\r{line:<78}" if terminal else line, end="" if terminal else "\n", file=sys.stderr, flush=True)

    def end(self):
        if sys.stderr.isatty():
            print("\r" + " " * 78 + "\r", end="", file=sys.stderr)


def table(results):
    """A line for each cell, dtype and truth: checks, failures, and the error nearest to its bound with its place."""
    rows = {}
    for r in filter(lambda r: isfinite(r.bound), results):  # others are only measured
        rows.setdefault((r.cell, r.dtype, r.against), []).append(r)
    lines = [ROW.format("cell", "dtype", "against", "checks", "failed", "error", "bound", "of it", "at")]
    for where, group in rows.items():
        worst, failed = max(group, key=lambda r: r.fraction), sum(not r.ok for r in group)
        numbers = f"{worst.error:.2g}", f"{worst.bound:.2g}", f"{worst.fraction:.2f}"
        lines.append(ROW.format(*where, len(group), failed, *numbers, place(worst)))
    return "\n".join(lines)


def failures(results, quick=False, most=20):
    """The failures, `most` of them in full, those nearest to their cause first; how many more there are, and where."""
    failed = sorted((r for r in results if not r.ok), key=from_cause)
    lines = []
    for r in failed[:most]:
        lines.append(f"FAILED {r.cell} {r.dtype} on {r.device} against {r.against}: {place(r)}: {figures(r)}")
        lines.append(f"       {record.command(r, quick)}")
    if more := failed[most:]:
        lines.append(f"... and {len(more)} more ({counts(more)}); --json FILE writes all")
    return "\n".join(lines)


def counts(results):
    """How many there are of each cell, in words."""
    of_cells = Counter(r.cell for r in results)
    return ", ".join(f"{cell} {count}" for cell, count in sorted(of_cells.items()))


def comparisons(results):
    """A line for each result."""
    return "\n".join(
        f"{'ok' if r.ok else 'FAILED':<6} {r.cell} {r.program} {r.dtype} on {r.device} against {r.against}: "
        f"{place(r)}: {figures(r)}"
        for r in results
    )


def figures(result):
    """Error and bound in words."""
    return f"error {result.error:.3g}" + (f", bound {result.bound:.3g}" if isfinite(result.bound) else "")


def place(result):
    """Quantity, gate, shape and options of a result, in words."""
    described = lambda name, value: name if value is True else f"{name}={shown(value)}"  # noqa: E731
    gate = f"[{result.gate}]" if result.gate else ""
    details = [described(*item) for item in (result.shape | result.options).items()]
    return f"{result.quantity}{gate} {' '.join(details)}".rstrip()


def outcome(found):
    """What the suite said of a planted error, in a line."""
    mutant, by = found.mutant, found.by
    if isinstance(by, dict):
        gate = f"[{by['gate']}]" if by["gate"] else ""
        by = f"{by['check']} of {by['cell']} against {by['against']}: {by['quantity']}{gate}, T={by['shape'].get('T')}"
    verdict = "caught" if found.caught else "MISSED"
    return f"{verdict} {mutant['name']:<28} {found.seconds:6.1f} s  {mutant['area']}: {by}"
