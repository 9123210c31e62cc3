"""Processes that are forked after kernels have run on threads: the same bits, on one thread, with a warning."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from numba import config

SCRIPT = Path(__file__).parents[1] / "helpers" / "forks.py"
LAYERS = [
    layer
    for layer, module in {"omp": "omppool", "workqueue": "workqueue", "tbb": "tbbpool"}.items()
    if find_spec(f"numba.np.ufunc.{module}") and (layer != "tbb" or find_spec("tbb"))
]
TASKS = (
    "in_a_child",
    "in_pools",
    "while_another_thread_trains",
    "while_another_thread_holds_a_lock",
    "while_another_thread_compiles",
    "before_any_thread",
)

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.skipif(config.DISABLE_JIT, reason="NumPy alone runs, on no threads"),
]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("layer", LAYERS)
def test_forked_processes_give_the_same_bits(layer, task):
    settings = os.environ | {"NUMBA_NUM_THREADS": "4"}
    command = [sys.executable, str(SCRIPT), layer, task]
    done = subprocess.run(command, capture_output=True, text=True, env=settings, timeout=600)
    assert done.returncode == 0 and done.stdout == "done\n", done.stdout + done.stderr[-3000:]
