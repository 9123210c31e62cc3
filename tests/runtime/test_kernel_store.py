"""Kernel files are pickles, which run code: only files of one's own are loaded, and each only for its own kernel."""

import ctypes
import os
import pickle
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from numba import config, types

from numbarnn.runtime import compile as store

jit_alone = pytest.mark.skipif(config.DISABLE_JIT, reason="nothing is compiled")
posix_alone = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owner here")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of kernels; every test is warned anew."""
    monkeypatch.setenv("NUMBARNN_CACHE_DIR", str(tmp_path / "kernels"))
    store._warn_once.cache_clear()
    yield tmp_path / "kernels"
    store._warn_once.cache_clear()


def plus_one(a):
    return a + 1


def plus_two(a):
    return a + 2


def result(function, a=40):
    """function(a), compiled, or loaded from the store."""
    address = store.compiled(types.int64(types.int64), function)
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)(a)


def kept(function, folder):
    """The file of a kernel that has just been kept."""
    before = set(folder.glob("*.kernel"))
    assert result(function) == function(40)
    (file,) = set(folder.glob("*.kernel")) - before
    return file


def writes(monkeypatch):
    """Kernels that are kept from here on, one entry each."""
    found, save = [], store.Store.save_overload
    monkeypatch.setattr(store.Store, "save_overload", lambda *args: found.append(args) or save(*args))
    return found


def give_away(path, monkeypatch):
    """Let another user own the path; who is not root becomes another user."""
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
    else:
        user = os.geteuid() + 1
        monkeypatch.setattr(os, "geteuid", lambda: user)


class Marker:
    """Leaves a file behind when it is loaded from a pickle."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def plant(file, payload):
    """A kernel file as the store itself would write it."""
    file.write_bytes(store.Store(file.stem).digest(payload) + payload)


@jit_alone
def test_files_that_were_swapped(folder, monkeypatch):
    one, two = kept(plus_one, folder), kept(plus_two, folder)
    shutil.move(one, folder / "other")
    shutil.move(two, one)
    shutil.move(folder / "other", two)
    saved = writes(monkeypatch)
    with pytest.warns(RuntimeWarning, match="numbarnn: a kernel file in .* is damaged; compiling it again") as warned:
        assert (result(plus_one), result(plus_two)) == (41, 42)
    assert len(saved) == 2 and len(warned) == 1
    assert (result(plus_one), result(plus_two)) == (41, 42) and len(saved) == 2


@jit_alone
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"no pickle",
        pickle.dumps(1),
        pickle.dumps(()),
        pickle.dumps((1, 2))[:-3],
        b"cnumbarnn.gone\nGone\n.",
        b"\x80\xff",
    ],
)
def test_pickles_that_cannot_be_loaded(payload, folder, monkeypatch):
    """With a right digest: another version of a library may have written them."""
    file, saved = kept(plus_one, folder), writes(monkeypatch)
    plant(file, payload)
    with pytest.warns(RuntimeWarning, match="is damaged; compiling it again") as warned:
        assert result(plus_one) == 41
    assert len(saved) == len(warned) == 1
    assert result(plus_one) == 41 and len(saved) == 1


class Failing:
    def __init__(self, error):
        self.error = error

    def __reduce__(self):
        return fail, (self.error,)


def fail(error):
    raise error


@jit_alone
@pytest.mark.parametrize(
    "error", [FileNotFoundError("x"), MemoryError(), RecursionError(), ValueError(), ImportError()]
)
def test_pickles_that_raise(error, folder, monkeypatch):
    file, saved = kept(plus_one, folder), writes(monkeypatch)
    plant(file, pickle.dumps(Failing(error)))
    with pytest.warns(RuntimeWarning, match="is damaged; compiling it again"):
        assert result(plus_one) == 41
    assert len(saved) == 1


def owned_by_another(file, folder, monkeypatch):
    give_away(file, monkeypatch)


def writeable_by_the_group(file, folder, monkeypatch):
    file.chmod(0o620)


def writeable_by_all(file, folder, monkeypatch):
    file.chmod(0o602)


def link_to_anothers(file, folder, monkeypatch):
    target = folder.parent / "elsewhere"
    shutil.move(file, target)
    give_away(target, monkeypatch)
    file.symlink_to(target)


FILES = owned_by_another, writeable_by_the_group, writeable_by_all, link_to_anothers


@jit_alone
@posix_alone
@pytest.mark.parametrize("change", FILES, ids=lambda f: f.__name__)
def test_files_that_others_may_have_written(change, folder, monkeypatch):
    """They are not executed, and give way to one's own."""
    file, saved = kept(plus_one, folder), writes(monkeypatch)
    plant(file, pickle.dumps(Marker(folder.parent / "executed")))
    with monkeypatch.context() as user:
        change(file, folder, user)
        if os.geteuid() == os.stat(folder).st_uid:  # else the folder is another user's, too
            with pytest.warns(RuntimeWarning, match="is not trusted: .*; compiling it again"):
                assert result(plus_one) == 41
    assert not (folder.parent / "executed").exists() and len(saved) <= 1


def folder_of_another(folder, monkeypatch):
    give_away(folder, monkeypatch)
    return "it belongs to another user"


def folder_of_the_group(folder, monkeypatch):
    folder.chmod(0o770)
    return "other users may write to it"


def folder_of_all(folder, monkeypatch):
    folder.chmod(0o1777)
    return "other users may write to it"


def link_to_a_folder_of_all(folder, monkeypatch):
    target = folder.parent / "elsewhere"
    shutil.move(folder, target)
    target.chmod(0o777)
    folder.symlink_to(target)
    return "other users may write to it"


OTHERS = folder_of_another, folder_of_the_group, folder_of_all, link_to_a_folder_of_all


@jit_alone
@posix_alone
@pytest.mark.parametrize("change", OTHERS, ids=lambda f: f.__name__)
def test_folders_that_others_may_write_to(change, folder, monkeypatch):
    """Nothing in them is executed, nothing is kept there, and one warning says so."""
    file = kept(plus_one, folder)
    plant(file, pickle.dumps(Marker(folder.parent / "executed")))
    content = file.read_bytes()
    reason = change(folder, monkeypatch)
    with pytest.warns(RuntimeWarning, match=rf"cannot keep compiled kernels in .* \({reason}\)") as warned:
        assert (result(plus_one), result(plus_two)) == (41, 42)
    assert len(warned) == 1 and file.read_bytes() == content and len(list(folder.iterdir())) == 1
    assert not (folder.parent / "executed").exists()


@jit_alone
def test_a_link_to_a_folder_of_ones_own(folder, monkeypatch):
    (folder.parent / "elsewhere").mkdir(0o700)
    folder.symlink_to(folder.parent / "elsewhere")
    kept(plus_one, folder)
    saved = writes(monkeypatch)
    assert result(plus_one) == 41 and not saved


@jit_alone
@posix_alone
def test_nobody_else_may_read_or_write_what_is_kept(folder):
    mask = os.umask(0)
    try:
        file = kept(plus_one, folder)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.fixture
def no_settings(monkeypatch):
    for name in ("NUMBARNN_CACHE_DIR", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    store._warn_once.cache_clear()
    yield
    store._warn_once.cache_clear()


def test_home_is_put_in_place_of_a_tilde(no_settings, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, expected in {
        "NUMBARNN_CACHE_DIR": tmp_path / "kernels",
        "NUMBA_CACHE_DIR": tmp_path / "kernels" / "numbarnn",
        "XDG_CACHE_HOME": tmp_path / "kernels" / "numbarnn",
    }.items():
        with monkeypatch.context() as environment:
            environment.setenv(name, "~/kernels")
            assert store.folder() == expected


def test_relative_folders_are_passed_over(no_settings, monkeypatch, tmp_path):
    """The one that is meant for us with a warning; the others are for other programs as well."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", "kernels")
    monkeypatch.setenv("XDG_CACHE_HOME", ".")
    assert store.folder() == tmp_path / ".cache" / "numbarnn"
    monkeypatch.setenv("NUMBARNN_CACHE_DIR", "kernels")
    with pytest.warns(RuntimeWarning, match="expected NUMBARNN_CACHE_DIR to be an absolute path, got 'kernels'"):
        assert store.folder() == tmp_path / ".cache" / "numbarnn"


NO_HOME = """
import os, pwd, sys
del os.environ["HOME"]
def unknown(uid):
    raise KeyError
pwd.getpwuid = unknown  # as for a user of a container that has no name
import numbarnn as nr, numpy as np
cell = nr.SimpleRNNCell(3)
print(nr.forward(cell, cell.init_params(2), np.ones((2, 3, 2), "f4")).outputs.shape)
from numbarnn.__main__ import main
print(main(["cache"]), main(["cache", "clear"]), main(["info"]))
"""


@jit_alone
@posix_alone
def test_without_a_home_nothing_is_written_to_the_working_directory(tmp_path):
    names = {"NUMBARNN_CACHE_DIR", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME"}
    environment = {name: value for name, value in os.environ.items() if name not in names}
    environment |= {"PYTHONPATH": str(Path(store.PACKAGE).parent), "HOME": "gone"}
    command = [sys.executable, "-c", NO_HOME]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "(2, 3, 3)" in done.stdout, done.stderr
    assert done.stderr.count("RuntimeWarning: numbarnn: cannot keep compiled kernels anywhere (no absolute path") == 1
    assert not list(tmp_path.iterdir())


@jit_alone
@posix_alone
@pytest.mark.parametrize("cleans", [lambda: result(plus_two), store.clear], ids=["the next save", "clear"])
def test_what_a_killed_process_left_is_removed(cleans, folder, monkeypatch):
    kept(plus_one, folder)
    process = os.fork()
    if not process:
        monkeypatch.setattr(store.Store, "digest", lambda *args: os.kill(os.getpid(), signal.SIGKILL))
        result(plus_two)
    os.waitpid(process, 0)
    assert [path for path in folder.iterdir() if path.suffix == ".tmp"]
    cleans()
    assert not [path for path in folder.iterdir() if path.suffix == ".tmp"]
