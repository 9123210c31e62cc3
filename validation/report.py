"""Progress, the table, and the JSON file."""

import json
import sys
import time
from dataclasses import dataclass, field

from numbarnn.runtime import versions
from numbarnn.runtime.whole_file import whole_file

from .node import shown

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
    for r in results:
        rows.setdefault((r.cell, r.dtype, r.against), []).append(r)
    lines = [ROW.format("cell", "dtype", "against", "checks", "failed", "error", "bound", "of it", "at")]
    for where, group in rows.items():
        worst, failed = max(group, key=lambda r: r.fraction), sum(not r.ok for r in group)
        numbers = f"{worst.error:.2g}", f"{worst.bound:.2g}", f"{worst.fraction:.2f}"
        lines.append(ROW.format(*where, len(group), failed, *numbers, place(worst)))
    return "\n".join(lines)


def failures(results, most=20):
    """The failures, `most` of them in full."""
    failed = [r for r in results if not r.ok]
    lines = [
        f"FAILED {r.cell} {r.dtype} on {r.device} against {r.against}: {place(r)}: "
        f"error {r.error:.3g}, bound {r.bound:.3g}"
        for r in failed[:most]
    ]
    return "\n".join(lines + ([f"... and {len(failed) - most} more"] if len(failed) > most else []))


def place(result):
    """Quantity, gate, shape and options of a result, in words."""
    described = lambda name, value: name if value is True else f"{name}={shown(value)}"  # noqa: E731
    gate = f"[{result.gate}]" if result.gate else ""
    details = [described(*item) for item in (result.shape | result.options).items()]
    return f"{result.quantity}{gate} {' '.join(details)}".rstrip()


def write_json(path, results, proofs):
    """The results in numbarnn's published format, and the coverage; written as a whole or not at all."""
    passed = sum(r.ok for r in results)
    content = {
        "passed": passed,
        "failed": len(results) - passed,
        "environment": versions.environment()
        | {package: versions._version(package) for package in ("autograd", "torch")},
        "cases": [r.as_json for r in results],
        "coverage": [proof.as_json for proof in proofs],
    }
    with whole_file(path) as file:
        file.write(json.dumps(content, allow_nan=False, default=shown).encode())
