"""What a change can reach: every cell whose own files it touches, or all of them, or none."""

import ast
import inspect
import subprocess
from dataclasses import replace
from pathlib import Path

from . import references
from .catalogue import cells
from .checkout import ROOT

# below or behind every cell
SHARED = ("activations", "autodiff", "engines", "errors", "maths", "ops", "rnn", "runtime", "utils")
OWN = ("cells", "wrappers")  # of these each cell has its own files
LISTS = ("numbarnn/cells/__init__.py", "numbarnn/wrappers/__init__.py")
INTEROP = ("interop", "checkpoint")  # the way of weights to and from the peers
BESIDE = (  # nothing that the suite runs
    *("__init__", "__main__", "callbacks", "cli", "constraints", "datasets", "distributed"),
    *("initializers", "inspection", "jax", "keras", "layers", "losses", "metrics"),
    *("models", "optimizers", "recipes", "regularizers", "sklearn", "sweeps", "torch", "training"),
)
SHOWN = ("validation/report/", "validation/mutation/", "validation/__main__.py", "validation/since.py")
PEERS = "peers"  # the check in which weights go to other libraries


def changed(commit):
    """The files that differ from a commit, as paths from the root; those that are not in git too."""
    git = ["git", "-C", str(ROOT)]
    differing = subprocess.run([*git, "diff", "--name-only", commit, "--"], capture_output=True, text=True)
    if differing.returncode:
        raise ValueError(differing.stderr.strip().splitlines()[0] if differing.stderr else f"no commit {commit}")
    new = subprocess.run([*git, "ls-files", "--others", "--exclude-standard"], capture_output=True, text=True)
    return sorted({*differing.stdout.split("\n"), *new.stdout.split("\n")} - {""})


def reached(chosen, files, checks):
    """The `Selection` without what a change of these files cannot reach, None for nothing; `checks` are all names."""
    if any(map(reaches_all, files)):
        return chosen
    names = frozenset(name for name, own in files_of_cells().items() if not own.isdisjoint(files))
    weights = any(part_of(file) in INTEROP for file in files)
    if weights and names:
        return chosen
    asked = chosen.checks or tuple(checks)
    of_these = tuple(check for check in asked if check == PEERS) if weights else without_vectors(asked)
    nothing = not of_these or not (weights or names)
    return None if nothing else replace(chosen, checks=of_these, reached=None if weights else names)


def without_vectors(checks):
    """The checks that are about cells."""
    return tuple(check for check in checks if check != "vectors")


def reaches_all(file):
    """Whether a file is behind every cell."""
    if file.startswith("validation/references/") or file.startswith(SHOWN) or not file.endswith(".py"):
        return file == "pyproject.toml"
    return file.startswith("validation/") or part_of(file) in SHARED or file in LISTS


def part_of(file):
    """The part of the package that a file belongs to; None for one outside."""
    top, *inner = Path(file).with_suffix("").parts
    return inner[0] if top == "numbarnn" and inner else None


def files_of_cells():
    """{name of a cell: its own files, as paths from the root}: its classes', its reference's, and those they import."""
    found = {}
    for name, kind in cells().items():
        start = [inspect.getsourcefile(base) for base in kind.__mro__ if base.__module__.startswith("numbarnn.")]
        if name in references.load():
            start.append(references.load()[name].__file__)
        found[name] = {str(path.relative_to(ROOT)) for path in closure(map(Path, start))}
    return found


def closure(paths):
    """The files, and all that they import from the same folders."""
    found, waiting = set(), list(paths)
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        waiting += [target for target in imported(path) if target.exists() and own_folder(target)]
    return found


def own_folder(path):
    """Whether files of this folder belong to some cells alone."""
    folder = path.parent
    return folder.name in OWN or folder == Path(references.__file__).parent


def imported(path):
    """The files that a file imports relatively, as far as they are files."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            yield base.with_suffix(".py")
            yield from (base / f"{alias.name}.py" for alias in node.names)
