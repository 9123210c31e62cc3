"""Kernels that another process compiles meanwhile: the same ones, and nothing is lost or left behind without it."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest
from numba import config

from numbarnn.engines.cpu import elementwise
from numbarnn.runtime import child
from numbarnn.runtime import compile as store

pytestmark = [
    pytest.mark.skipif(config.DISABLE_JIT, reason="nothing is compiled"),
    pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="needs to know the cores of a process"),
]
SMALL, OTHER = (elementwise.kernel, "sqrt", "float32"), (elementwise.kernel, "absolute", "float32")

STEP = """
import os
os.sched_getaffinity = lambda process: range({cores})
import numpy as np, numbarnn as nr
from numbarnn.runtime import child, compile as store
saved, save = [], store.Store.save_overload
store.Store.save_overload = lambda *args: (saved.append(1), save(*args))
cell = nr.SimpleRNNCell(3)
run = nr.forward(cell, cell.init_params(2, rng=0), np.ones((2, 3, 2), "f4"))
print(run.backward(run.outputs).params["kernel"].tobytes().hex(), len(saved), len(child._children))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty store, a process that has not compiled yet, and two cores."""
    monkeypatch.setenv("NUMBARNN_CACHE_DIR", str(tmp_path / "kernels"))
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(2))
    monkeypatch.setattr(child, "_children", {})
    elementwise.kernel.cache_clear()
    yield tmp_path / "kernels"
    child.stop_children()
    elementwise.kernel.cache_clear()


def files(folder):
    return {path.name for path in folder.iterdir()}


def first_step(folder, cores):
    environment = {**os.environ, "NUMBARNN_CACHE_DIR": str(folder)}
    command = [sys.executable, "-c", STEP.format(cores=cores)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0 and not done.stderr, done.stderr[-2000:]
    gradient, saved, children = done.stdout.split()
    return gradient, int(saved), int(children)


def test_a_first_step_with_and_without_a_child(tmp_path):
    """The keys do not depend on who compiles."""
    gradient, saved, children = first_step(tmp_path / "alone", 1)
    assert (saved, children) == (6, 0)
    assert first_step(tmp_path / "two", 2) == (gradient, 4, 2)
    assert files(tmp_path / "alone") == files(tmp_path / "two") and len(files(tmp_path / "two")) == 6
    assert first_step(tmp_path / "two", 2) == (gradient, 0, 0)


def test_what_children_compile_is_loaded(folder, monkeypatch):
    child.compile_elsewhere(*SMALL)
    child.compile_elsewhere(*OTHER)
    process = child._children[SMALL]
    child.compile_elsewhere(*SMALL)
    assert child._children[SMALL] is process
    monkeypatch.setattr(store.Store, "save_overload", lambda *args: pytest.fail("compiled here"))
    for kernel, name, dtype in (OTHER, SMALL):  # in any order
        assert child.from_child(kernel, name, dtype) is kernel(name, dtype)
    assert len(files(folder)) == 2 and process.returncode == 0
    assert child.from_child(*SMALL) is elementwise.kernel("sqrt", "float32")


@pytest.mark.parametrize("program", ["/bin/false", "/bin/true", "/no/such/program"])
def test_a_child_that_fails(program, folder, tmp_path, monkeypatch):
    (tmp_path / "python").symlink_to(program)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    child.compile_elsewhere(*SMALL)
    child.from_child(*SMALL)
    assert len(files(folder)) == 1


def no_executable(folder, monkeypatch):
    monkeypatch.setattr(sys, "executable", None)


def another_program(folder, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/usr/bin/uwsgi")


def frozen(folder, monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)


def one_core(folder, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3})


def no_folder(folder, monkeypatch):
    monkeypatch.setattr(store, "folder", lambda: None)


def a_file_in_the_place_of_the_folder(folder, monkeypatch):
    folder.write_text("")


def a_folder_of_all(folder, monkeypatch):
    folder.mkdir()
    folder.chmod(0o777)


@pytest.mark.parametrize(
    "change",
    [no_executable, another_program, frozen, one_core, no_folder, a_file_in_the_place_of_the_folder, a_folder_of_all],
    ids=lambda f: f.__name__,
)
def test_no_child_where_it_could_not_help(change, folder, monkeypatch):
    assert child.can_help()
    folder.rmdir()
    change(folder, monkeypatch)
    assert not child.can_help()
    child.compile_elsewhere(*SMALL)
    assert not child._children


def ends(process):
    """Whether a process ends within a minute."""
    for _ in range(600):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        with open(f"/proc/{process}/stat") as stat:
            if stat.read().rpartition(")")[2].split()[0] == "Z":
                return True
        time.sleep(0.1)
    return False


PARENT = """
import os, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # what ran the tests may let it be ignored
os.sched_getaffinity = lambda process: range(2)
from numbarnn.engines.cpu import gemm, backward
from numbarnn.runtime import child
child.compile_elsewhere(gemm.product_kernel, "float32")
child.compile_elsewhere(backward.backward_kernel, "float32")
print(*(process.pid for process in child._children.values()), flush=True)
child.from_child(gemm.product_kernel, "float32")
child.from_child(backward.backward_kernel, "float32")
"""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_child_is_left_behind(end, tmp_path):
    environment = {**os.environ, "NUMBARNN_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        processes = [int(word) for word in parent.stdout.readline().split()]
        time.sleep(0.5)
        parent.send_signal(end)
        assert parent.wait(60) != 0 and len(processes) == 2 and all(map(ends, processes))
    assert {path.suffix for path in tmp_path.iterdir()} <= {".kernel", ".tmp"}


# JAX, if another test has loaded it, warns of every fork
@pytest.mark.filterwarnings("ignore:os.fork")
def test_a_forked_process_leaves_the_child_alone(folder):
    child.compile_elsewhere(*SMALL)
    process = os.fork()
    if not process:
        child.stop_children()
        os._exit(len(child._children))
    assert os.waitpid(process, 0)[1] == 0
    child.from_child(*SMALL)
    assert child._children[SMALL].returncode == 0 and len(files(folder)) == 1


def in_a_daemon(folder):
    os.environ["NUMBARNN_CACHE_DIR"] = str(folder)
    os.sched_getaffinity = lambda process: range(2)
    child.compile_elsewhere(*SMALL)
    child.from_child(*SMALL)
    sys.exit(10 + child._children[SMALL].returncode)


def test_a_daemonic_process_may_have_a_child(folder):
    process = multiprocessing.get_context("spawn").Process(target=in_a_daemon, args=(folder,), daemon=True)
    process.start()
    process.join(120)
    assert process.exitcode == 10 and len(files(folder)) == 1
