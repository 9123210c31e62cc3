"""Every kernel is compiled for an H100; what it takes there is compared with a table."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
from helpers.cubins import TABLE

ROOT = TABLE.parents[2]
MORE = 1.15  # registers that another version of the compiler may take


@pytest.fixture(scope="module")
def found():
    """{name: quantities} from a new process: the simulator of this one hides the compiler."""
    if find_spec("numba_cuda") is None:
        pytest.skip("needs numba-cuda, which compiles (pip install 'numba-cuda[cu13]')")
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "0", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    command = [sys.executable, "-m", "helpers.cubins"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    rows = (line.split(" {", 1) for line in done.stdout.splitlines())
    return {name: json.loads("{" + row) for name, row in rows}


def test_launches_hand_on_what_kernels_take():
    """The form of arguments that numba-cuda compiles for is not documented."""
    if find_spec("numba_cuda") is None:
        pytest.skip("needs numba-cuda, which compiles (pip install 'numba-cuda[cu13]')")
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "0", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    command = [sys.executable, "-m", "helpers.kernel_parameters"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    taken, handed_on = done.stdout.split()
    assert taken == handed_on


def test_kernels_are_those_of_the_table(found):
    table = json.loads(TABLE.read_text())["kernels"]
    assert found.keys() == table.keys(), "PYTHONPATH=.:tests python -m helpers.cubins --write"


def test_kernels_take_what_the_table_says(found):
    table = json.loads(TABLE.read_text())["kernels"]
    for name in found.keys() & table.keys():
        for quantity in ("spilled", "local", "shared"):
            assert found[name][quantity] <= table[name][quantity], f"{name}: {quantity}"
        assert found[name]["registers"] <= MORE * table[name]["registers"], name


def test_float32_kernels_compute_nothing_in_float64(found):
    assert [name for name, row in found.items() if "float64" not in name and row["f64"]] == []
