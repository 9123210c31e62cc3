"""The wheel, and what an import costs."""

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import numbarnn as nr

ROOT = Path(__file__).parents[1]


def built(target, folder):
    """The one file that hatchling builds."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder], cwd=ROOT, check=True)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    path = built("wheel", tmp_path_factory.mktemp("wheel"))
    with zipfile.ZipFile(path) as archive:
        yield path, {name: archive.read(name) for name in archive.namelist()}


def test_wheel_is_plain_python_and_holds_data_types_and_licences(wheel):
    path, files = wheel
    assert path.name == f"numbarnn-{nr.__version__}-py3-none-any.whl"
    sources = {p.relative_to(ROOT).as_posix() for end in ("py", "pyi") for p in (ROOT / "numbarnn").rglob(f"*.{end}")}
    suite = {p.relative_to(ROOT / "validation").as_posix() for p in (ROOT / "validation").rglob("*.py")}
    sources |= {f"numbarnn/_validation/{name}" for name in suite}
    assert {name for name in files if name.endswith((".py", ".pyi"))} == sources
    for name in ("data/digits.npz", "data/LICENSE-digits.md", "py.typed"):
        assert files[f"numbarnn/{name}"] == (ROOT / "numbarnn" / name).read_bytes()
    assert not [name for name in files if name.startswith(("validation", "benchmarks", "tests"))]


def test_wheel_metadata(wheel):
    _, files = wheel
    (name,) = (name for name in files if name.endswith("/METADATA"))
    lines = files[name].decode().partition("\n\n")[0].splitlines()
    required = {line.split(": ")[1] for line in lines if line.startswith("Requires-Dist") and "extra ==" not in line}
    assert {re.match(r"[\w-]+", r)[0] for r in required} == {"numba", "numpy", "scipy"}
    for line in ("License-Expression: BSD-3-Clause", "Requires-Python: >=3.11", "License-File: LICENSE"):
        assert line in lines
    extras = {line.partition(": ")[2] for line in lines if line.startswith("Provides-Extra")}
    doors = {"torch", "jax", "keras", "keras-files", "safetensors", "tensorflow", "onnx", "sklearn", "mpi", "validate"}
    assert extras == {"plot", "data", "sweep", "tensorboard", "test", "bench", "cuda13", "dev"} | doors


def test_the_suite_in_the_wheel_runs_anywhere(wheel, tmp_path):
    path, _ = wheel
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path)
    command = [sys.executable, "-m", "numbarnn", "validate", "--quick", "--cell", "MGUCell", "--device", "numpy"]
    done = subprocess.run(command, cwd=tmp_path, env=without_root(tmp_path), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "0 failed" in done.stdout and "vector_bits" in done.stdout
    mutate = subprocess.run([*command[:4], "--mutate"], cwd=tmp_path, env=without_root(tmp_path), capture_output=True)
    assert mutate.returncode == 2 and b"need a checkout" in mutate.stderr


def without_root(folder):
    """The environment of a process that finds the package in this folder first."""
    return os.environ | {"PYTHONPATH": str(folder)}


def test_sdist_holds_what_the_readme_links_to_and_all_that_tests_need(tmp_path):
    with tarfile.open(built("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    links = set(re.findall(r"\]\(([\w./-]+)\)", (ROOT / "README.md").read_text()))
    assert "docs/overview.svg" in links and links <= names
    for folder in ("numbarnn", "tests", "validation", "benchmarks"):
        assert {p.relative_to(ROOT).as_posix() for p in (ROOT / folder).rglob("*.py")} <= names
    assert not [name for name in names if name.startswith(".ci")]


def test_import_is_light_and_compiles_nothing():
    check = (
        "from numba.core import event\n"
        "with event.install_recorder('numba:compile') as compiled:\n"
        "    import sys, numbarnn\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "unused = {'matplotlib', 'autograd', 'pytest', 'torch', 'jax', 'sklearn', 'joblib', 'validation'}\n"
        "print(len(compiled.buffer), *loaded & unused)\n"
    )
    shown = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout == "0\n"


def test_changelog_and_citation_know_the_version():
    assert f"\n## {nr.__version__} - " in (ROOT / "CHANGELOG.md").read_text()
    assert f"\nversion: {nr.__version__}\n" in (ROOT / "CITATION.cff").read_text()
