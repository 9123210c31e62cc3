"""Start-up: the import, the first training step with and without compiled code on disk, and what it compiles.

asv runs each returned text in a fresh interpreter; of a pair it times the first only.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .asv_settings import PLAIN, chosen
from .benchmark_cells import runner

IMPORTS = """
import numpy as np
import numbarnn as nr
"""

EMPTY_CACHE = """
import os, tempfile
folder = tempfile.TemporaryDirectory()
os.environ["NUMBARNN_CACHE_DIR"] = os.environ["NUMBA_CACHE_DIR"] = folder.name
"""

# Where there are more cores, other processes compile a part, whose seconds do not count here.
ONE_CORE = [taskset, "--cpu-list", str(min(os.sched_getaffinity(0)))] if (taskset := shutil.which("taskset")) else []

SECONDS = """
import time
print(time.process_time())
"""


def step(cell, dtype):
    return f"""
cell = nr.{cell}(9)
x, d_outputs = np.ones((4, 6, 5), "{dtype}"), np.ones((4, 6, 9), "{dtype}")
nr.forward(cell, cell.init_params(5, dtype="{dtype}"), x).backward(d_outputs)
"""


class NewProcess:
    number, warmup_time = 1, 0.0
    timeout = 300


class Cold(NewProcess):
    """Compilation, with nothing on disk."""

    repeat = rounds = 1
    params = (
        chosen(("LSTMCell",), ["SimpleRNNCell", "ResetAfterGRUCell", "NASCell", "LayerNormLSTMCell"]),
        chosen(("float32",), ["float64"]),
    )
    param_names = ("cell", "dtype")

    def timeraw_first_step(self, cell, dtype):
        return step(cell, dtype), EMPTY_CACHE + IMPORTS

    timeraw_first_step.pretty_name = "First training step ever"


def compiled(cell):
    """Run the first step of a cell ever; return its processor seconds and the number of files of kernels it left."""
    with tempfile.TemporaryDirectory() as folder:
        variables = os.environ | {"NUMBARNN_CACHE_DIR": folder, "NUMBA_CACHE_DIR": folder, "NUMBA_NUM_THREADS": "1"}
        command = [*ONE_CORE, sys.executable, "-P", "-c", IMPORTS + step(cell, "float32") + SECONDS]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
        kernels = sum(path.is_file() for path in Path(folder).rglob("*"))
    return float(done.stdout), kernels


class Compiled:
    """What the first training step ever compiles, on one core."""

    params = (PLAIN,)
    param_names = ("cell",)

    def setup_cache(self):
        return {cell: compiled(cell) for cell in self.params[0]}

    setup_cache.timeout = 1200

    def track_kernels(self, found, cell):
        return found[cell][1]

    track_kernels.unit = "files of kernels"
    track_kernels.pretty_name = "Kernels that a first step compiles"

    def track_seconds(self, found, cell):
        return found[cell][0]

    track_seconds.unit = "processor seconds"
    track_seconds.pretty_name = "Processor seconds of a first step"


class Warm(NewProcess):
    """Start-up with all compiled code on disk."""

    repeat = 5

    def setup(self):
        runner("LSTMCell")

    def timeraw_import(self):
        return "import numbarnn"

    timeraw_import.pretty_name = "import numbarnn"

    def timeraw_first_step(self):
        return step("LSTMCell", "float32"), IMPORTS

    timeraw_first_step.pretty_name = "First step of a process, kernels on disk"

    def timeraw_import_and_first_step(self):
        return IMPORTS + step("LSTMCell", "float32")

    timeraw_import_and_first_step.pretty_name = "Import and first step, kernels on disk"
