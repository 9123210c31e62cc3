"""Print the comparison with peers, and write it as JSON."""

import datetime
import json
import os
import sys
import time
from importlib import metadata

import numpy as np

from numbarnn.runtime.versions import environment
from numbarnn.runtime.whole_file import whole_file


def header(peers):
    return f"{'cell':<10} {'shape':<12} {'kind':<8}{'ours ms':>9}{'GF/s':>8}{'% peak':>8}" + "".join(
        f"{peer + ' ms':>12}  {'ratio [range]':<19}" for peer in peers
    )


def line(rows, peak):
    """Format the rows of one cell, shape and kind, one for each peer."""
    row = rows[0]
    text = f"{row['cell']:<10} {row['shape_name']:<12} {row['kind']:<8}{row['numbarnn_ms']:>9.3f}{row['gflops']:>8.1f}"
    text += f"{100 * row['gflops'] / peak:>8.0f}"
    for row in rows:
        if row["peer"]:
            text += f"{row['peer_ms']:>12.3f}  {ratio(row):<19}"
    return text.rstrip()


def ratio(row):
    """Format the ratio of a row, and its range."""
    return f"{row['ratio']:.2f} [{row['ratio_min']:.2f} {row['ratio_max']:.2f}]"


def wrong_line(wrong):
    error = f"{float(wrong['error']):.1e} of its largest entry (bound {wrong['bound']:.0e})"
    where = f"{wrong['cell']:<10} {wrong['shape_name']:<12} WRONG, not timed: {wrong['quantity']}"
    return f"{where} differs from {wrong['peer']} by {error}"


def summary(rows):
    """Summarise training and forward: the smallest and the geometric mean of the ratios to the faster peer."""
    lines = []
    for kind in ("train", "forward"):
        faster = {}
        for row in rows:
            if row["kind"] == kind and row["peer"]:
                pair = f"{row['cell']} {row['shape_name']}"
                faster[pair] = min(row["ratio"], faster.get(pair, np.inf))
        if faster:
            worst = min(faster, key=faster.get)
            mean = np.exp(np.mean(np.log(list(faster.values()))))
            lines.append(
                f"{kind + ':':<8} time of the faster peer / ours over {len(faster)} pairs: "
                f"minimum {faster[worst]:.2f} ({worst}), geometric mean {mean:.2f}"
            )
    return "\n".join(lines)


def load_average():
    """Return the load average of the last minute; 0 if the system does not report it."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def about(peers, threads):
    """Describe the environment, with the versions of the peers."""
    with_parts = {"jax": ("jax", "jaxlib"), "keras": ("keras", "tensorflow")}
    packages = [package for peer in peers for package in with_parts.get(peer, (peer,))]
    versions = {package: metadata.version(package) for package in packages}
    today = datetime.date.today().isoformat()
    return environment() | {"date": today, "threads": threads, "load_average": load_average(), **versions}


def save(path, content):
    """Write JSON atomically."""
    with whole_file(path) as file:
        file.write(json.dumps(content, allow_nan=False).encode())


def collect(tasks, content, path):
    """Run {label: function}, each giving (lines to print, rows of results, errors); print and save as it comes.
    Returns the content of the JSON file."""
    content |= {"results": [], "wrong": []}
    progress = Progress(len(tasks))
    for done, (label, task) in enumerate(tasks.items()):
        progress.show(done, label)
        lines, rows, wrong = task()
        progress.clear()
        print(*lines, sep="\n", flush=True)
        content["results"] += rows
        content["wrong"] += wrong
        if path:
            save(path, content)
    return content


class Progress:
    """One line on a terminal, overwritten: what is done, what runs, and the time left."""

    def __init__(self, total):
        self.total, self.start = total, time.monotonic()

    def show(self, done, text):
        if sys.stderr.isatty():
            left = f", about {(time.monotonic() - self.start) / done * (self.total - done):.0f} s left" if done else ""
            print(f"\r\033[K[{done}/{self.total}] {text}{left}", end="", file=sys.stderr, flush=True)

    def clear(self):
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)
