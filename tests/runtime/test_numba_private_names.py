"""Numba may change its private names in any release: a missing one is named here, and not met deep inside a kernel."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
from helpers import numba_names
from helpers.numba_names import PACKAGE, in_source, missing, of_numba_cuda, used

ROOT = PACKAGE.parent


def test_numba_has_every_name_that_we_use():
    names = [name for name in used() if not of_numba_cuda(name[1])]
    assert len(names) > 100
    assert list(missing(names)) == []


def test_numba_cuda_has_every_name_that_we_use():
    if find_spec("numba_cuda") is None:
        pytest.skip("needs numba-cuda (pip install 'numba-cuda[cu13]')")
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "0", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    command = [sys.executable, "-m", "helpers.numba_names"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stdout.strip() == "", done.stdout + done.stderr


def test_a_missing_name_gives_a_sentence(monkeypatch):
    from numba.core.compiler import CompileResult

    monkeypatch.delattr(CompileResult, "_reduce")
    monkeypatch.delattr("numba.core.cgutils.unpack_tuple")
    monkeypatch.setattr(numba_names, "version", lambda package: "0.99")
    sentences = list(missing(name for name in used() if not of_numba_cuda(name[1])))
    for sentence in (
        "numbarnn/runtime/compile.py uses numba.core.compiler.CompileResult._reduce (the part of a kernel that is kept "
        "on disk), which numba 0.99 does not have.",
        "numbarnn/runtime/simd.py uses numba.core.cgutils.unpack_tuple, which numba 0.99 does not have.",
    ):
        assert sentence in sentences


def test_names_are_found_in_source():
    source = (
        "import numba\nfrom numba.core import cgutils as c, old\nfrom .numba import mine\n"
        "def f(context, builder): return c.a.b(numba.x), context.cast(builder), mine.y, self.c.z\n"
    )
    base = "numba.core.base.BaseContext.cast"
    core = {"numba.core.cgutils", "numba.core.cgutils.a", "numba.core.cgutils.a.b", "numba.core.old"}
    assert in_source(source) == core | {"numba", "numba.x", base}
    assert list(missing([("f.py", "numba.core.no_such_module.x", "")])) and not list(missing([("f.py", base, "")]))


def test_attributes_that_are_listed_are_used():
    for file, names in numba_names.OTHERS.items():
        source = (PACKAGE / file).read_text()
        assert [name for name in names if name.rpartition(".")[2] not in source] == []
