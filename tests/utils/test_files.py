"""Files that are written whole: what killed processes leave, modes, links."""

import os
import signal
import stat
import subprocess
import sys

import numpy as np
import pytest

import numbarnn as nr

KILLED = """
import os, signal, sys
from numbarnn.runtime.whole_file import whole_file
with whole_file(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_next_save_removes_what_a_killed_one_left(tmp_path):
    path = tmp_path / "weights.npz"
    nr.checkpoint.save(path, {"w": np.ones(3)})
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", KILLED, path])
        assert done.returncode == -signal.SIGKILL
        assert len(list(tmp_path.iterdir())) == 2
        np.testing.assert_array_equal(nr.checkpoint.load(path)["w"], np.ones(3))
    nr.checkpoint.save(path, {"w": np.zeros(3)})
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_running_process_writes_is_left_alone(tmp_path):
    from numbarnn.runtime.whole_file import whole_file

    path = tmp_path / "weights.npz"
    with whole_file(path) as file:
        file.write(b"first")
        nr.checkpoint.save(path, {"w": np.ones(3)})
    assert path.read_bytes() == b"first"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_save_keeps_the_mode(mode, tmp_path):
    path = tmp_path / "weights.npz"
    nr.checkpoint.save(path, {"w": np.ones(3)})
    path.chmod(mode)
    nr.checkpoint.save(path, {"w": np.zeros(3)})
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_save_writes_to_where_a_link_points(tmp_path):
    (tmp_path / "store").mkdir()
    target, link = tmp_path / "store" / "weights.npz", tmp_path / "latest.npz"
    nr.checkpoint.save(target, {"w": np.ones(3)})
    link.symlink_to(os.path.join("store", "weights.npz"))
    nr.checkpoint.save(link, {"w": np.zeros(3)})
    assert link.is_symlink()
    np.testing.assert_array_equal(nr.checkpoint.load(target)["w"], np.zeros(3))


def test_an_array_of_objects_is_refused_before_anything_is_written(tmp_path):
    path = tmp_path / "weights.npz"
    with pytest.raises(nr.InputError, match="expected arrays of numbers, got b of dtype object"):
        nr.checkpoint.save(path, {"a": np.ones(2), "b": np.array([1, "x"], object)})
    assert list(tmp_path.iterdir()) == []
