"""The names that the package and its subpackages offer: what `dir` completes, `__all__` exports and editors read."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import numbarnn as nr

ROOT = Path(nr.__file__).parent
SUBPACKAGES = (
    "callbacks", "cells", "datasets", "distributed", "inspection", "interop", "jax", "keras", "layers", "losses",
    "models", "optimizers", "sklearn", "torch", "wrappers",
)  # fmt: skip
MODULES = ("activations", "checkpoint", "constraints", "initializers", "metrics", "regularizers")
INTERNAL = {"autodiff", "engines", "errors", "ops", "rnn", "runtime", "training", "utils"}


def exported(stub):
    """{name: the line that imports or declares it} of a stub."""
    names = {}
    for node in ast.parse(stub.read_text()).body:
        line = ast.unparse(node)
        if isinstance(node, ast.ImportFrom):
            names |= {alias.name: line for alias in node.names if alias.asname == alias.name}
        elif isinstance(node, ast.Assign):
            names |= {target.id: line for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names[node.target.id] = line
    return names


def check_stub(package, source_of):
    """The stub lists `__all__`, and each line imports the name from where it is."""
    path = Path(package.__file__).with_suffix(".pyi")
    listed, wanted = exported(path), set(package.__all__)
    place = path.relative_to(ROOT.parent)
    missing = [f"from {source_of(name)} import {name} as {name}" for name in sorted(wanted - listed.keys())]
    assert not missing, f"{place} lacks the line: {'; '.join(missing)}. Editors and type checkers read that file."
    assert not listed.keys() - wanted, f"{place} lists what the package does not have: {listed.keys() - wanted}"
    for name, line in listed.items():
        node = ast.parse(line).body[0]
        if isinstance(node, ast.ImportFrom):
            source = import_module("." + (node.module or ""), package.__name__) if node.module else package
            assert getattr(source, name) is getattr(package, name), line


def test_stub_of_the_package_lists_what_it_offers():
    def source_of(name):
        module = getattr(getattr(nr, name), "__module__", "numbarnn").partition(".")[2]
        return "." + (module.partition(".")[0] if module.startswith(("cells.", "wrappers.")) else module)

    check_stub(nr, source_of)


def test_stub_of_the_cells_lists_each_file():
    check_stub(nr.cells, lambda name: f".{getattr(nr.cells, name).__module__.rpartition('.')[2]}")


def test_completion_offers_the_interface_and_no_internals():
    check = "import numbarnn as nr; print(dir(nr) == nr.__all__ == sorted(set(nr.__all__)), *dir(nr))"
    same, *offered = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT.parent, capture_output=True, text=True, check=True
    ).stdout.split()
    assert same == "True"
    assert {"LSTMCell", "Sequential", "forward", "cells", "layers", "maths", "wrappers"} <= set(offered)
    assert {*SUBPACKAGES, *MODULES} <= set(offered)
    assert not INTERNAL & set(offered)
    assert [name for name in offered if name.startswith("_")] == ["__version__"]


@pytest.mark.parametrize("name", [*SUBPACKAGES, *MODULES])
def test_subpackages_complete_what_they_export(name):
    if name in ("jax", "keras", "torch"):
        pytest.importorskip(name, reason=f"needs the package {name} (pip install {name})")
    package = getattr(nr, name)
    assert sorted(package.__all__) == dir(package)
    assert len(set(package.__all__)) == len(package.__all__)
    assert all(hasattr(package, item) for item in package.__all__)


def test_every_name_can_be_imported():
    for name in nr.__all__:
        assert getattr(nr, name) is not None
    with pytest.raises(AttributeError, match="module 'numbarnn' has no attribute 'LSTMCel'"):
        nr.LSTMCel  # noqa: B018
