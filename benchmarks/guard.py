"""Compare the guarded series of this checkout with those of an earlier commit.

    python -m benchmarks.guard [COMMIT] [--calls GROUP,...]

It counts instructions (callgrind) and bytes (tracemalloc) of both, and names a series that grew by more than its
threshold in asv.conf.json. COMMIT is the parent of HEAD unless given. The exit code is 1 if a series is named, and no
message of the commits since says why in a line that begins with "Slower:".
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import arguments, callgrind, counted_calls

ROOT = Path(__file__).parents[1]

BYTES = """
from benchmarks.benchmark_memory import Training
for steps in Training.params[0]:
    for save in Training.params[1]:
        for name in ("track_forward", "track_forward_and_backward"):
            case = Training()
            case.setup(steps, save)
            print(f"{name} {steps} {save}", getattr(case, name)(steps, save), sep="\\t")
"""


def settings():
    """Read asv.conf.json, whose comments are lines of their own."""
    lines = (ROOT / "asv.conf.json").read_text(encoding="utf-8").splitlines()
    return json.loads("\n".join(line for line in lines if not line.strip().startswith("//")))


def threshold(series):
    """Return by which share a series may grow, as asv.conf.json has it."""
    return settings()["regressions_thresholds"][f"^{series}"]


def measure(tree, calls=()):
    """Count the instructions (of all groups of calls, or those named) and bytes of the numbarnn in the folder `tree`.

    Returns {(series, name): number}.
    """
    path = os.pathsep.join((str(tree), str(ROOT)))  # the package of the tree, the benchmarks of this checkout
    counted = callgrind.count(calls=calls, PYTHONPATH=path)
    command, variables = [sys.executable, "-P", "-c", BYTES], os.environ | {"PYTHONPATH": path}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    lines = (line.split("\t") for line in done.stdout.splitlines())
    sizes = {("benchmark_memory", name): int(number) for name, number in lines}
    return {("benchmark_instructions", name): number for name, number in counted.items()} | sizes


def named(before, after):
    """Return the series that grew by more than their threshold, with what they grew by."""
    allowed = {series: threshold(series) for series, _ in before}
    grown = {key: after[key] / before[key] - 1 for key in before}
    return {key: growth for key, growth in grown.items() if growth > allowed[key[0]]}


def show(what, found):
    """Print which series are named."""
    print(f"{what}: {len(found) or 'no'} series named", flush=True)
    for (series, name), growth in sorted(found.items(), key=lambda item: -item[1]):
        print(f"    {100 * growth:+7.2f} %  {series} {name}")


def git(*words):
    """Run git in this checkout and return what it prints."""
    return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, check=True).stdout


def unpack(commit, folder):
    """Write the package as it was at a commit into a folder."""
    with tarfile.open(fileobj=io.BytesIO(git("archive", commit, "numbarnn"))) as archive:
        archive.extractall(folder, filter="data")


def reasons(commit):
    """Return why the commits since are slower, as their messages say."""
    lines = git("log", "--format=%B", f"{commit}..HEAD").decode().splitlines()
    return [line for line in lines if line.startswith("Slower:")]


def main(texts=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard", description=__doc__.splitlines()[0])
    parser.add_argument("commit", nargs="?", default="HEAD~1", help="default HEAD~1")
    groups = arguments.names(counted_calls.GROUPS)
    parser.add_argument("--calls", type=groups, default=(), help="groups of calls; default: all")
    options = parser.parse_args(texts)
    if not callgrind.available():
        parser.error("needs Valgrind (package valgrind of Debian and others)")
    try:
        same = not git("diff", "--stat", options.commit, "--", "numbarnn")
    except subprocess.CalledProcessError as error:
        parser.error(f"expected a commit of this checkout: {error.stderr.decode().strip()}")
    if same:
        print(f"The package is that of {options.commit}: nothing to measure")
        return 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as both:
        unpack(options.commit, folder)
        before, after = both.map(lambda tree: measure(tree, options.calls), (folder, ROOT))
    for (series, name), number in after.items():
        print(f"{number:>14,} {number / before.get((series, name), number) - 1:+8.2%}  {series} {name}")
    found = named(before, after)
    show(f"since {options.commit}", found)
    if found:
        print(*reasons(options.commit), sep="\n")
    return 1 if found and not reasons(options.commit) else 0


if __name__ == "__main__":
    sys.exit(main())
