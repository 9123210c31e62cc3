"""What the SIMD engine gains over plain Numba loops: training steps on "cpu", "njit" and "numpy", one process, in turn.

    python -m benchmarks.engines [--cells NAME,...] [--quick] [--json FILE]

A training step (forward, full BPTT, gradients of all parameters and of the inputs) of 50 steps, 64 rows, 128 inputs,
128 units, float32. Results are compared first; a wrong one ends its cell, and the exit code is 1. A ratio is an
engine's time over that of "cpu", medians over all rounds; its range is of single rounds. "first" is the first training
step of "njit" in seconds, which compiles. The loops run on one thread, but their products on as many as BLAS takes:
with `OPENBLAS_NUM_THREADS=1` and `--threads 1` all engines have one.
"""

import sys
import time
from functools import partial

from . import arguments, report, run_numbarnn, workloads
from .comparison import compare, timed, wrong_results
from .variants import SHAPE, VARIANTS

CELLS = ("SimpleRNNCell", "LSTMCell", "GRUCell", "ResetAfterGRUCell", "NASCell", "LayerNormLSTMCell+per_gate")
ENGINES = ("njit", "numpy")
SHAPE_NAME = "x".join(map(str, SHAPE))


def measured(name, options):
    """Lines to print, rows of results, and what was wrong (then there are no rows)."""
    workload = workloads.make(name, VARIANTS[name](*SHAPE[2:]), SHAPE)
    ours, *others = (run_numbarnn.Runner(workload, options.threads, device=device) for device in ("cpu", *ENGINES))
    engines = dict(zip(ENGINES, others, strict=True))
    start = time.perf_counter()
    engines["njit"].train()
    first = time.perf_counter() - start
    found = compare(ours, engines)
    if wrong := wrong_results(workload, SHAPE_NAME, found):
        return list(map(report.wrong_line, wrong)), [], wrong
    (rows,) = timed(workload, SHAPE_NAME, ours, engines, found, ("train",), options)
    return [line(rows, first)], [row | {"njit_first_seconds": first} for row in rows], []


def line(rows, first):
    text = f"{rows[0]['cell']:<28}{rows[0]['numbarnn_ms']:>9.2f}"
    return text + "".join(f"{row['peer_ms']:>11.2f}  {report.ratio(row):<20}" for row in rows) + f"{first:>8.1f}"


def main(texts=None):
    options = arguments.finish(
        arguments.parser("engines", __doc__.splitlines()[0], CELLS, "few, short rounds").parse_args(texts)
    )
    columns = "".join(f"{engine + ' ms':>11}  {'ratio [range]':<20}" for engine in ENGINES)
    print(f"{'cell':<28}{'cpu ms':>9}{columns}{'first':>8}")
    content = {"environment": report.about([], options.threads)}
    content = report.collect({name: partial(measured, name, options) for name in options.cells}, content, options.json)
    return 1 if content["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
