"""Runs the suite on copies of the package, each with one error."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from ..checkout import ROOT

LIMIT = 900  # seconds for one error


@dataclass(frozen=True)
class Outcome:
    """What the suite said of one planted error.

    `by` is the first comparison that failed, nearest to the cause, as in the JSON file. If the suite itself ended with
    an exception, nothing is caught, and `by` is its message. `failed` counts comparisons.
    """

    mutant: dict
    caught: bool
    by: object
    failed: int
    seconds: float


def run(mutants, jobs=1, progress=lambda outcome: None):
    """The outcomes, in the order of the mutants; before them the suite must pass without an error planted."""
    with ThreadPoolExecutor(jobs) as pool:
        commands = dict.fromkeys(mutant.arguments for mutant in mutants)
        clean = pool.map(passes, commands)
        if wrong := [words for words, passed in zip(commands, clean, strict=True) if not passed]:
            raise RuntimeError(f"without any error planted these must pass: {'; '.join(wrong)}")
        outcomes = []
        for outcome in pool.map(outcome_of, mutants):
            progress(outcome)
            outcomes.append(outcome)
    return outcomes


def passes(arguments):
    """Whether the suite passes on the package as it is."""
    return suite(ROOT, arguments, os.environ).returncode == 0


def outcome_of(mutant):
    """Plant an error in a copy, and run the suite there with an empty cache of kernels."""
    with tempfile.TemporaryDirectory() as folder:
        plant(mutant, Path(folder))
        found, started = Path(folder, "found.json"), time.monotonic()
        try:
            done = suite(folder, f"{mutant.arguments} --json {found}", own_cache(folder))
        except subprocess.TimeoutExpired:
            return Outcome(asdict(mutant), False, f"nothing within {LIMIT} s", 0, LIMIT)
        seconds = round(time.monotonic() - started, 1)
        if not found.exists():
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            return Outcome(asdict(mutant), False, lines[-1], 0, seconds)
        failures = json.loads(found.read_text())["failures"]
        return Outcome(asdict(mutant), bool(failures), failures[0] if failures else None, len(failures), seconds)


def plant(mutant, folder):
    """Copy package and suite into the folder, with the error."""
    for package in ("numbarnn", "validation"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "numbarnn" / mutant.file
    text = file.read_text()
    if text.count(mutant.old) != 1:
        raise ValueError(f"{mutant.name}: expected {mutant.old!r} once in {mutant.file}, got {text.count(mutant.old)}")
    file.write_text(text.replace(mutant.old, mutant.new))


def own_cache(folder):
    return os.environ | {"NUMBARNN_CACHE_DIR": str(Path(folder, "cache")), "PYTHONPATH": str(folder)}


def suite(folder, arguments, environment):
    """Run the suite of a checkout or copy."""
    command = [sys.executable, "-m", "validation", *arguments.split()]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT)
