"""Seconds of the first training step of each cell, with an empty folder of kernels: a whole process each.

    python -m benchmarks.first_step [--quick] [--cells NAME ...] [--json FILE]

Each process steps a cell of (16, 64, 32, 32) in float32, then in float64 and then, in float32, a cell whose kernels are
not there yet beside those that serve all cells. On two cores another process helps; on one all is compiled in one.
"compute" is the processor's time of both together: beside other work, seconds grow and this does not, much. The import
of the package is not included.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from numbarnn.cells import CELLS

from . import report

WORK = """
import os, sys
cores, name, other = int(sys.argv[1]), *sys.argv[2:]
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
import json, resource, time
import numpy as np
import numbarnn as nr
from numbarnn.runtime import child

def compute(whose=resource.RUSAGE_SELF):
    usage = resource.getrusage(whose)
    return usage.ru_utime + usage.ru_stime

def step(name, dtype):
    cell, start, before = nr.cells.CELLS[name](32), time.perf_counter(), compute()
    run = nr.forward(cell, cell.init_params(32, dtype=dtype), np.zeros((64, 16, 32), dtype))
    run.backward(run.outputs)
    return time.perf_counter() - start, compute() - before

steps = [step(name, "float32"), step(name, "float64"), step(other, "float32")]
child.stop_children()
seconds, computing = zip(*steps)
print(json.dumps([*seconds, sum(computing) + compute(resource.RUSAGE_CHILDREN)]))
"""


def first_steps(name, cores):
    """Return the seconds of the first step in float32, of the one in float64, and of another cell; and computing time
    of all three."""
    other = "LSTMCell" if name != "LSTMCell" else "GRUCell"
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"NUMBARNN_CACHE_DIR": folder}
        command = [sys.executable, "-c", WORK, str(cores), name, other]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]
        )
    return json.loads(done.stdout)


def main(texts=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_step", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="SimpleRNNCell on one core")
    parser.add_argument("--cells", nargs="+", choices=sorted(CELLS), default=sorted(CELLS), metavar="NAME")
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args(texts)
    cells, settings = (["SimpleRNNCell"], (1,)) if options.quick else (options.cells, (2, 1))
    rows = []
    print(f"{'cell':<32}{'cores':>6}{'first s':>9}{'float64 s':>11}{'next cell s':>13}{'compute s':>11}")
    for name in cells:
        for cores in settings:
            first, double, another, computing = first_steps(name, cores)
            rows.append({"cell": name, "cores": cores, "first": first, "float64": double, "next_cell": another})
            rows[-1]["compute"] = computing
            print(f"{name:<32}{cores:>6}{first:>9.1f}{double:>11.1f}{another:>13.1f}{computing:>11.1f}", flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps({"environment": report.about([], None), "rows": rows}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
