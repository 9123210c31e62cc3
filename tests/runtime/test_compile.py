"""Kernels on disk: found again, never stale, never trusted when damaged, and no need at all."""

import ctypes
import os
import subprocess
import sys

from numba import types
from numba.extending import register_jitable

from numbarnn.runtime import compile as store
from numbarnn.runtime.simd import Static

STEP = """
import os
os.sched_getaffinity = lambda process: {0}  # so that no child compiles
import numpy as np, numbarnn as nr
from numbarnn.runtime import compile as store
saves = []
save = store.Store.save_overload
store.Store.save_overload = lambda *args: (saves.append(1), save(*args))
cell = nr.SimpleRNNCell(3)
run = nr.forward(cell, cell.init_params(2), np.ones((2, 3, 2), "f4"))
gradient = run.backward(run.outputs).params["kernel"].tobytes().hex()
print(len(saves), gradient)
"""


def python(code, **environment):
    variables = {**os.environ, **environment}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=variables, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split(), done.stderr


def test_cache_hits_and_damaged_files_are_compiled_again(tmp_path):
    settings = {"NUMBARNN_CACHE_DIR": str(tmp_path)}
    (compiled, result), errors = python(STEP, **settings)
    files = sorted(tmp_path.glob("*.kernel"))
    assert int(compiled) == len(files) == 6 and not errors  # launcher, product, forward, backward, two of the cell
    assert python(STEP, **settings) == (["0", result], "")
    files[0].write_bytes(files[0].read_bytes()[:-100])  # truncated
    flipped = bytearray(files[1].read_bytes())
    flipped[len(flipped) // 2] ^= 1
    files[1].write_bytes(flipped)
    files[2].write_bytes(b"")
    files[3].write_bytes(b"something else altogether")
    (compiled, again), errors = python(STEP, **settings)
    assert compiled == "4" and again == result
    assert errors.count("RuntimeWarning: numbarnn: a kernel file in") == 1  # once, not for each
    assert python(STEP, **settings) == (["0", result], "")


def test_the_same_function_of_another_module_is_another_kernel(tmp_path, monkeypatch):
    """A kept kernel is bound to its module by name; a copy of the package elsewhere may not have that one."""
    monkeypatch.setenv("NUMBARNN_CACHE_DIR", str(tmp_path))
    for module in (__name__, store.__name__):

        def successor(a):
            return a + 1

        successor.__module__ = module
        address = store.compiled(types.int64(types.int64), successor)
        assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)(4) == 5
    assert len(list(tmp_path.glob("*.kernel"))) == 2


def test_no_place_for_the_cache(tmp_path):
    """A folder that cannot be made: one warning that says so, and everything works."""
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    (_, result), errors = python(STEP, NUMBARNN_CACHE_DIR=str(blocked / "kernels"))
    assert result and errors.count("RuntimeWarning: numbarnn: cannot keep compiled kernels in") == 1


TOY = """
from numba.extending import register_jitable
from toyhelper import helper
import numbarnn as nr, numpy as np, dataclasses
from numbarnn.autodiff.equations import Equations
from numbarnn.cells import Cell
from numbarnn.maths import zero

@register_jitable
def forward(z, s):
    return (helper(z[0]),), ()

@register_jitable
def backward(saved, s, s1, ds1):
    return (ds1[0],), (zero(ds1[0]),)

@dataclasses.dataclass(frozen=True)
class ToyCell(Cell):
    use_bias = True
    inputs = {"z": "xh"}
    equations = Equations(forward, backward)

cell = ToyCell(2)
params = {n: np.ones(s, "f4") for n, s in cell.param_shapes(1).items()}
print(nr.forward(cell, params, np.ones((1, 1, 1), "f4")).outputs[0, 0, 0])
"""


def test_an_edit_in_a_helper_of_a_users_cell_is_seen(tmp_path):
    """The cell's own function stays as it is, one that it calls in another file changes."""
    helper = "from numba.extending import register_jitable\n@register_jitable\ndef helper(x):\n    return x {}\n"
    settings = {
        "NUMBARNN_CACHE_DIR": str(tmp_path / "cache"),
        "PYTHONPATH": str(tmp_path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    for edit, expected in (("+ x", "4.0"), ("- x", "0.0"), ("+ x", "4.0")):
        (tmp_path / "toyhelper.py").write_text(helper.format(edit))
        assert python(TOY, **settings)[0] == [expected]


@register_jitable
def twice(x):
    return x + x


def closure(constant, function, static):
    def kernel(x):
        return function(x) + constant if static else x

    return kernel


def test_fingerprint():
    base = store.fingerprint(closure(1, twice, Static(2)))
    assert base == store.fingerprint(closure(1, twice, Static(2)))
    assert base != store.fingerprint(closure(2, twice, Static(2)))
    assert base != store.fingerprint(closure(1, twice, Static(3)))
    assert base != store.fingerprint(closure(1, closure, Static(2)))


def test_source_id_covers_what_reaches_kernels():
    names = {str(path.relative_to(store.PACKAGE)) for path in store.sources()}
    ours = {f"engines/cpu/{name}.py" for name in ("gemm", "gemm_tiles", "forward", "backward", "cell_kernels")}
    assert ours | {"maths.py", "runtime/simd.py", "runtime/compile.py", "ops/softmax.py"} <= names


def test_folder(monkeypatch, tmp_path):
    for name in ("NUMBARNN_CACHE_DIR", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert store.folder() == tmp_path / ".cache" / "numbarnn"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numba"))
    assert store.folder() == tmp_path / "numba" / "numbarnn"
    monkeypatch.setenv("NUMBARNN_CACHE_DIR", str(tmp_path / "own"))
    assert store.folder() == tmp_path / "own"
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.kernel").write_text("x")
    (tmp_path / "own" / "other").write_text("x")
    assert store.clear() == 1 and [p.name for p in store.folder().iterdir()] == ["other"]
