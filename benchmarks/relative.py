"""Cost of variants of a cell: their training steps against the plain cell's, in one process and in turn.

    python -m benchmarks.relative [--cells NAME,...] [--quick] [--json FILE]

A training step (forward, full BPTT, gradients of all parameters and of the inputs) of 50 steps, 64 rows, 128 inputs,
128 units, float32. A ratio is the variant's time over that of the plain cell, the median over all rounds; its range is
that of single rounds. The gradient of a derived cell is derived from its forward equations, not written by hand.
"""

import sys
from functools import partial

import numpy as np

from . import arguments, report, run_numbarnn, workloads
from .timing import alternate
from .variants import PAIRS, SHAPE, VARIANTS


def runner(name, threads):
    workload = workloads.make(name, VARIANTS[name](*SHAPE[2:]), SHAPE)
    return run_numbarnn.Runner(workload, threads, training=True, rng=0)


def measured(name, options):
    """Measure one variant: lines to print, rows of results, and no errors."""
    plain, bound = PAIRS[name]
    times = alternate(
        {cell: runner(cell, options.threads).train for cell in (name, plain)}, options.rounds, options.seconds
    )
    ratios = times[name] / times[plain]
    ms, plain_ms = (float(np.median(times[cell])) for cell in (name, plain))
    row = {"cell": name, "shape": SHAPE, "kind": "train", "numbarnn_ms": ms, "plain": plain, "plain_ms": plain_ms}
    row |= {"ratio": ms / plain_ms, "ratio_min": float(ratios.min()), "ratio_max": float(ratios.max()), "bound": bound}
    return [line(row)], [row], []


def line(row):
    bound = f"bound {row['bound']}" + (" exceeded" if row["ratio"] > row["bound"] else "") if row["bound"] else ""
    text = f"{row['cell']:<30}{row['numbarnn_ms']:>9.2f}  {row['plain']:<20}{row['plain_ms']:>9.2f}"
    return f"{text}  {report.ratio(row):<20}{bound}".rstrip()


def main(texts=None):
    parser = arguments.parser("relative", __doc__.splitlines()[0], PAIRS, "few, short rounds")
    options = arguments.finish(parser.parse_args(texts))
    content = {"environment": report.about([], options.threads)}
    print(f"{'cell':<30}{'ms':>9}  {'plain cell':<20}{'ms':>9}  ratio [range]")
    report.collect({name: partial(measured, name, options) for name in options.cells}, content, options.json)


if __name__ == "__main__":
    sys.exit(main())
