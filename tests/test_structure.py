"""The structure of the package: each part imports only parts below it, and no files import each other in a circle."""

import ast
import re
from functools import cache
from importlib import import_module
from pathlib import Path

import numbarnn

PACKAGE = Path(numbarnn.__file__).parent
FLOORS = (  # from the top; parts of one floor do not import each other
    ("__main__",),
    ("cli",),
    ("recipes",),
    ("keras",),
    ("interop", "torch", "jax", "sklearn", "sweeps"),
    ("models", "inspection"),
    ("training",),
    ("callbacks",),
    ("layers", "optimizers", "datasets"),
    ("rnn", "metrics"),
    ("losses", "wrappers"),
    ("cells",),
    ("ops",),
    ("autodiff", "engines", "checkpoint"),
    ("activations",),
    ("constraints", "distributed", "initializers", "maths", "regularizers"),
    ("utils",),
    ("errors", "runtime"),
)
UPWARDS = {  # what is short for something above: `rnn.run.step(cell, ...)`, `ConcatenatedState(cell)`
    ("cells.rnn_cell", "rnn.run"),
    ("cells._tensorflow_names", "wrappers.concatenated_state"),
}
FLOOR = {part: -i for i, floor in enumerate(FLOORS) for part in floor}
# what a cell is made of, and for a cell that runs others or draws random numbers their results and noise
OF_CELLS = {
    "activations",
    "initializers",
    "maths",
    "errors",
    "autodiff.equations",
    "engines.interface",
    "ops.activations",
    "ops.random",
}


def modules():
    """Return {dotted name below the package: path}."""
    paths = (path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")
    return {".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def imports(name, path, known):
    """Yield the modules of the package that a file imports, inside functions too."""
    package = ["", *name.split(".")][: None if path.name == "__init__.py" else -1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
            for alias in node.names:
                full = ".".join([*base, alias.name])[1:]
                yield full if full in known else ".".join(base)[1:]


@cache
def arrows():
    known = modules()
    return {(a, b) for a, path in known.items() for b in imports(a, path, known) if b and a != b}


def test_every_part_has_a_floor():
    assert {name.split(".")[0] for name in modules()} == set(FLOOR)


def test_contributing_lists_the_parts_from_the_top():
    rows = re.findall(r"^\| (`.*?) \|", (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    listed = [part.removesuffix(".py") for row in rows for part in re.findall(r"`(\w+(?:\.py)?)`", row)]
    listed = listed[: listed.index("errors") + 1]
    assert sorted(listed) == sorted(FLOOR)
    heights = [FLOOR[part] for part in listed if part != "__main__"]
    assert heights == sorted(heights, reverse=True)


def test_imports_point_downwards():
    parts = {(a, b): (a.split(".")[0], b.split(".")[0]) for a, b in arrows() - UPWARDS}
    wrong = sorted(f"{a} imports {b}" for (a, b), (p, q) in parts.items() if p != q and FLOOR[p] <= FLOOR[q])
    assert wrong == []


def test_files_import_each_other_in_no_circle():
    left = {name: set() for name in modules()}
    for a, b in arrows() - UPWARDS:
        left[a].add(b)
    while free := [name for name, below in left.items() if not below & left.keys()]:
        for name in free:
            del left[name]
    assert sorted(left) == []


def test_the_package_is_imported_relatively():
    absolute = [
        (name, node.lineno)
        for name, path in modules().items()
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "numbarnn" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "numbarnn")
    ]
    assert absolute == []  # or the tests above would not see them


def test_the_top_level_stays_small():
    assert len(list(PACKAGE.glob("*.py"))) <= 10


def test_a_cell_imports_only_its_base_and_its_helpers():
    """Another cell only as its base class; helpers have names with an underscore."""
    cells = {name for name in modules() if name.startswith("cells.")} - {"cells.base", "cells.rnn_cell"}
    bases = {(a, b) for a in cells for b in bases_of(a)}
    wrong = sorted(
        f"{a} imports {b}"
        for a, b in arrows() - bases - UPWARDS
        if a in cells and b not in OF_CELLS and not b.startswith(("cells._", "cells.base", "cells.rnn_cell"))
    )
    assert wrong == []


def bases_of(cell):
    """Return the modules of the base classes of the cells in a file."""
    classes = (value for value in vars(import_module(f"numbarnn.{cell}")).values() if isinstance(value, type))
    own = [c for c in classes if c.__module__ == f"numbarnn.{cell}"]
    return {base.__module__.removeprefix("numbarnn.") for c in own for base in c.__mro__[1:]}
