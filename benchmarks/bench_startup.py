"""Start-up time: the import, and the first training step with and without compiled code on disk.

asv runs each returned text in a fresh interpreter; of a pair it times the first only.
"""

from .bench_cells import PLAIN, runner

IMPORTS = """
import numpy as np
import numbarnn as nr
"""

EMPTY_CACHE = """
import os, tempfile
folder = tempfile.TemporaryDirectory()
os.environ["NUMBARNN_CACHE_DIR"] = os.environ["NUMBA_CACHE_DIR"] = folder.name
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
    params = ((*PLAIN, "NASCell", "LayerNormLSTMCell"), ("float32", "float64"))
    param_names = ("cell", "dtype")

    def timeraw_first_step(self, cell, dtype):
        return step(cell, dtype), EMPTY_CACHE + IMPORTS


class Warm(NewProcess):
    """Start-up with all compiled code on disk."""

    repeat = 5

    def setup(self):
        runner("LSTMCell")

    def timeraw_import(self):
        return "import numbarnn"

    def timeraw_first_step(self):
        return step("LSTMCell", "float32"), IMPORTS

    def timeraw_import_and_first_step(self):
        return IMPORTS + step("LSTMCell", "float32")
