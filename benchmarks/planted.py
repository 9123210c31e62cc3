"""Show that the guarded series name a slowdown, and name nothing where nothing changed.

    python -m benchmarks.planted [--repetitions N] [--calls GROUP,...] [--asv]

It counts instructions (callgrind) and bytes (tracemalloc) of this checkout N times, and of two copies of it in which
something is slower: the kernel of the LSTM, and a backward pass that copies its gradient once more. A series is named
if it grows by more than its threshold in asv.conf.json. With --asv, `asv continuous` then compares the commit with one
that has both changes. The exit code is 1 if a repetition names a series or a planted change is not named.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from . import arguments, callgrind, counted_calls
from .guard import ROOT, measure, named, settings, show

IGNORED = shutil.ignore_patterns(".git", ".venv", ".asv", "__pycache__", "results")

# What is slower: (file, its text, the text in the copy).
PLANTED = {
    "a kernel of the LSTM with one function more": (
        "numbarnn/cells/_lstm.py",
        "return o * phi(c), o",
        "return o * phi(c) + 1e-30 * phi(o), o",
    ),
    "a gradient that is copied once more": (
        "numbarnn/rnn/run.py",
        "return Gradients(params, self._swapped(inputs), initial)",
        "return Gradients(params, self._swapped(inputs.copy()), initial)",
    ),
}

# The environments of `asv continuous` need no peers.
CORE = {"numba": [""], "numpy": [""], "scipy": [""]}


def plant(tree, changes):
    """Make the changes in a copy of the checkout."""
    for file, text, other in changes:
        path = tree / file
        source = path.read_text(encoding="utf-8")
        if source.count(text) != 1:
            raise SystemExit(f"{file} does not have once: {text}")
        path.write_text(source.replace(text, other), encoding="utf-8")


def compare_with_asv(folder):
    """Commit all planted changes in a clone, and let `asv continuous` compare the two commits."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    subprocess.run(["git", "-C", str(clone), "checkout", "--quiet", "-B", "main"], check=True)
    plant(clone, PLANTED.values())
    who = ["-c", "user.name=planted", "-c", "user.email=planted@localhost"]
    subprocess.run(["git", "-C", str(clone), *who, "commit", "--quiet", "-am", "Plant two slowdowns"], check=True)
    planted = settings() | {"matrix": {"req": CORE}, "results_dir": ".asv/results"}
    (clone / "planted.conf.json").write_text(json.dumps(planted))
    asv = [sys.executable, "-m", "asv", "--config", "planted.conf.json"]
    variables = os.environ | {"HOME": str(folder)}  # where asv keeps what it knows of machines
    subprocess.run([*asv, "machine", "--yes"], cwd=clone, env=variables, check=True)
    series = ["--bench", "benchmark_instructions", "--bench", "benchmark_memory.Training"]
    command = [*asv, "continuous", "--factor", "1.01", *series, "HEAD~1", "HEAD"]
    done = subprocess.run(command, cwd=clone, env=variables, capture_output=True, text=True)
    print(done.stdout)
    text = done.stdout.partition("Change")[2]
    return "LSTMCell" in text and "track_forward_and_backward" in text


def main(texts=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted", description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=arguments.number(1, 1000), default=20, help="default 20")
    groups = arguments.names(counted_calls.GROUPS)
    parser.add_argument("--calls", type=groups, default=(), help="groups of calls that are counted; default: all")
    parser.add_argument("--asv", action="store_true", help="let `asv continuous` compare, too; some ten minutes")
    options = parser.parse_args(texts)
    if not callgrind.available():
        parser.error("needs Valgrind (package valgrind of Debian and others)")
    right = True
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        first = measure(ROOT, options.calls)
        for n in range(options.repetitions):
            found = named(first, measure(ROOT, options.calls))
            show(f"repetition {n + 1} of the same commit", found)
            right &= not found
        for n, (what, change) in enumerate(PLANTED.items()):
            tree = folder / str(n)
            shutil.copytree(ROOT, tree, ignore=IGNORED)
            plant(tree, [change])
            found = named(first, measure(tree, options.calls))
            show(what, found)
            right &= bool(found)
        if options.asv:
            right &= compare_with_asv(folder)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
