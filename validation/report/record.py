"""A run as one dictionary: its results, and all that is needed to repeat it."""

import json
import shlex
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime

from numbarnn.runtime import versions
from numbarnn.runtime.whole_file import whole_file

from .. import peers
from ..checkout import PROGRAM, ROOT
from ..mutation.planted import EQUIVALENT
from ..node import shown
from .order import from_cause

PACKAGES = ("autograd", "torch", "keras", "onnxruntime", "tensorflow")  # what the references and peers run on


def of(results, proofs, arguments, seconds, quick):
    """The record of a run: `arguments` are those of its command. Two runs differ in "date" and "seconds" only."""
    passed = sum(r.ok for r in results)
    return {
        "passed": passed,
        "failed": len(results) - passed,
        **circumstances(arguments, seconds),
        "quick": quick,
        "failures": [r.as_json for r in sorted((r for r in results if not r.ok), key=from_cause)],
        "cases": [r.as_json for r in results],
        "coverage": [proof.as_json for proof in proofs],
    }


def of_mutants(outcomes, arguments, seconds):
    """The record of a mutation check."""
    caught = sum(outcome.caught for outcome in outcomes)
    return {
        "caught": caught,
        "missed": len(outcomes) - caught,
        **circumstances(arguments, seconds),
        "mutants": [asdict(outcome) for outcome in outcomes],
        "equivalent": [asdict(change) for change in EQUIVALENT],
    }


def circumstances(arguments, seconds):
    """What was run, when, where and for how long."""
    return {
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": f"{PROGRAM} {shlex.join(arguments)}",
        "seconds": round(seconds, 1),
        "environment": environment(),
    }


def environment():
    """Versions and the machine."""
    return versions.environment() | {package: versions._version(package) for package in PACKAGES}


def commit():
    """The commit that is checked out, with "-dirty" where files differ from it; None outside a repository."""
    if ROOT is None or not (ROOT / ".git").exists():
        return None
    try:
        asked = subprocess.run(
            ["git", "-C", ROOT, "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"],
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        return None
    return asked.stdout.strip() or None


def command(result, quick):
    """The command that repeats one comparison, beside the others of its case."""
    words = [*(["--quick"] if quick else []), "--check", result.check]
    if result.seed is not None:
        words += ["--cell", result.cell, "--case", str(result.seed)]
    for name in peers.FILES:
        library = peers.peer(name).NAME
        if result.program == library or result.against.startswith(library):
            words += ["--peers", name]
    if result.check in ("cells", "unrolling", "peers", "rtrl", "truncation", "differences", "long", "hard"):
        words += ["--device", result.device]
    return f"{PROGRAM} {shlex.join([*words, '--dtype', result.dtype])}"


def write(path, record):
    """Write it as JSON, as a whole or not at all."""
    with whole_file(path) as file:
        file.write(json.dumps(record, allow_nan=False, default=shown).encode())
