"""numbarnn against the same cell as a Python loop in PyTorch: same weights and inputs, one process, in turn.

    python -m benchmarks.loops [--cells NAME,...] [--quick] [--json FILE]

A training step (forward, full BPTT, gradients of all parameters and of the inputs) of 50 steps, 64 rows, 128 inputs,
128 units, float32. "loop" multiplies a step's inputs within the step, as PyTorch's own examples of custom cells
do; "hoisted" multiplies the inputs of all steps before the loop. Random masks are numbarnn's, and cost the loops
nothing. Results are compared before anything is timed, in float64, since layer norm and clips magnify float32's
rounding errors; a wrong result ends its cell, and the exit code is 1. A ratio is PyTorch's time over ours, the median
over all rounds; its range is that of single rounds. "limit" is the ratio of a program that does nothing but the
multiply-adds of the matrix products, at the peak of these threads, timed in the same rounds.
"""

import sys
from functools import partial

import numpy as np

from . import arguments, report, run_loop, run_numbarnn, workloads
from .comparison import compare, installed, rows, wrong_results
from .peak import MultiplyAdds, peak_gflops
from .timing import alternate
from .torch_cells import LOOPS
from .torch_cells.products import before_loop, in_loop
from .variants import SHAPE, VARIANTS

SHAPE_NAME = "x".join(map(str, SHAPE))
PEERS = {"torch loop": in_loop, "torch hoisted": before_loop}


def runners(name, dtype, threads):
    """Make a workload, our runner and those of the peers."""
    workload = workloads.make(name, VARIANTS[name](*SHAPE[2:]), SHAPE, dtype)
    ours = run_numbarnn.Runner(workload, threads, training=True, rng=0)
    return workload, ours, {peer: run_loop.Runner(workload, threads, each) for peer, each in PEERS.items()}


def measure(name, options):
    """Measure one cell: lines to print, rows of results, and errors (then there are no rows)."""
    workload, *both = runners(name, "float64", options.threads)
    if wrong := wrong_results(workload, SHAPE_NAME, compare(*both)):
        return list(map(report.wrong_line, wrong)), [], wrong
    workload, ours, peers = runners(name, "float32", options.threads)
    found, products = compare(ours, peers), MultiplyAdds(operations(workload), options.threads)
    calls = {"numbarnn": ours.train, "products": products.run} | {peer: run.train for peer, run in peers.items()}
    times = alternate(calls, options.rounds, options.seconds)
    least = float(np.median(times["products"]))
    results = [row | {"limit": row["peer_ms"] / least} for row in rows(workload, SHAPE_NAME, "train", times, found)]
    return [line(results)], results, []


def operations(workload):
    return workloads.flops(workload.cell, workload.shape, "train")


def line(rows):
    text = f"{rows[0]['cell']:<42}{rows[0]['numbarnn_ms']:>9.2f}"
    more = (f"{row['peer_ms']:>18.2f}  {report.ratio(row):<19}{row['limit']:>7.2f}" for row in rows)
    return text + "".join(more)


def summary(rows):
    least = min(rows, key=lambda row: row["ratio"])
    below = [row["cell"] for row in rows if row["peer"] == "torch loop" and row["ratio"] < 3]
    text = f"least ratio {least['ratio']:.2f} ({least['cell']}, {least['peer']})"
    return f"{text}; loops under 3: {', '.join(below) or 'none'}"


def main(texts=None):
    options = arguments.finish(
        arguments.parser("loops", __doc__.splitlines()[0], LOOPS, "few, short rounds").parse_args(texts)
    )
    if not installed(["torch"]):
        return 1
    content = {"environment": report.about(["torch"], options.threads), "peak_gflops": peak_gflops(options.threads)}
    print(
        f"{'cell':<42}{'ours ms':>9}"
        + "".join(f"{peer + ' ms':>18}  {'ratio [range]':<19}{'limit':>7}" for peer in PEERS)
    )
    content = report.collect({name: partial(measure, name, options) for name in options.cells}, content, options.json)
    if content["results"]:
        print(summary(content["results"]))
    return 1 if content["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
