"""Training steps beside other trainings on the same cores, with threads that soon sleep and with OpenMP's own default.

    python -m benchmarks.busy [--quick] [--rounds N] [--json FILE]

Each round runs three processes at a time for some seconds, each with all threads: two train an LSTM of (50, 64, 128,
128), one another shape. "ours" is the spin count that numbarnn sets, "default" that of GNU OpenMP, in turn. A figure
is the median over rounds of milliseconds a step of the third process, and of the steps that the other two made; the
ratio is default over ours, so that more than 1 is a gain.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from . import report

SHAPES = {"b1": (100, 1, 128, 128), "ptb": (35, 20, 200, 200), "mid": (50, 64, 128, 128)}
OTHER = SHAPES["mid"]
DEFAULT = "300000"  # what GNU OpenMP takes itself
WORK = """
import sys, time
import numpy as np
import numbarnn as nr
T, B, I, H, seconds = map(int, sys.argv[1:])
cell, rng = nr.LSTMCell(H), np.random.default_rng(0)
params, x = cell.init_params(I), rng.standard_normal((B, T, I), dtype="float32")
step = lambda: nr.forward(cell, params, x).backward(np.ones((B, T, H), "float32"))
step()
start, steps = time.perf_counter(), 0
while time.perf_counter() - start < seconds:
    step()
    steps += 1
print(steps, (time.perf_counter() - start) / steps * 1e3)
"""


def start(shape, seconds, environment):
    command = [sys.executable, "-c", WORK, *map(str, shape), str(seconds)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])


def side_by_side(shape, seconds, spins):
    """Return milliseconds a step of the shape, and the steps of two trainings beside it."""
    environment = {name: v for name, v in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    environment |= {"GOMP_SPINCOUNT": spins} if spins else {}
    others = [start(OTHER, seconds, environment) for _ in range(2)]
    third = start(shape, seconds, environment)
    steps = sum(int(process.communicate()[0].split()[0]) for process in others)
    return float(third.communicate()[0].split()[1]), steps


def main(texts=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.busy", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one round of two seconds, of one shape")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each (default 3)")
    parser.add_argument("--json", help="write the figures to this file")
    options = parser.parse_args(texts)
    rounds, seconds, shapes = (1, 2, ["b1"]) if options.quick else (options.rounds, 8, [*SHAPES])
    rows = []
    print(
        f"{'shape':<8}{'ours ms':>10}{'default ms':>12}{'ratio':>8}{'steps beside: ours':>20}{'default':>9}{'ratio':>8}"
    )
    for name in shapes:
        pairs = [[side_by_side(SHAPES[name], seconds, spins) for spins in (None, DEFAULT)] for _ in range(rounds)]
        (ours, default), (our_steps, steps) = (
            [median(pair[side][i] for pair in pairs) for side in (0, 1)] for i in (0, 1)
        )
        rows.append({"shape": name, "ours_ms": ours, "default_ms": default, "our_steps": our_steps, "steps": steps})
        figures = f"{ours:>10.1f}{default:>12.1f}{default / ours:>8.2f}"
        print(f"{name:<8}{figures}{our_steps:>20.0f}{steps:>9.0f}{our_steps / steps:>8.2f}", flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps({"environment": report.about([], None), "rows": rows}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
