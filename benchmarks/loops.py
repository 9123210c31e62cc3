"""numbarnn against the same cell as a loop in PyTorch or JAX: same weights and inputs, one process, in turn.

    python -m benchmarks.loops [--cells NAME,...] [--peers NAME,...] [--kind train|forward] [--dtype DTYPE] [--quick]
                               [--json FILE]

A training step (forward, full BPTT, gradients of all parameters and of the inputs), or the outputs only, of 50 steps,
64 rows, 128 inputs, 128 units. "torch loop" multiplies a step's inputs within the step, as PyTorch's own examples of
custom cells do; "torch hoisted" multiplies the inputs of all steps before the loop, and so does "jax scan", `lax.scan`
under `jit`, for some of the cells. "torch compiled" is the hoisted loop by `torch.compile`; it takes minutes a cell,
and runs if --peers names it. Random masks are numbarnn's, and cost the loops nothing. Results are compared before
anything is timed, in float64, since layer norm and clips magnify float32's rounding errors; a wrong result ends its
cell, and the exit code is 1. A ratio is the other's time over ours, the median over all rounds; its range is that of
single rounds. "limit" is the ratio of a program that does nothing but the multiply-adds of the matrix products, at the
peak of these threads, timed in the same rounds.
"""

import sys
from functools import partial

import numpy as np

from . import arguments, jax_cells, report, run_jax, run_loop, run_numbarnn, workloads
from .comparison import compare, installed, rows, wrong_results
from .peak import MultiplyAdds, peak_gflops
from .timing import alternate
from .torch_cells import LOOPS
from .torch_cells.products import before_loop, in_loop
from .variants import SHAPE, VARIANTS

SHAPE_NAME = "x".join(map(str, SHAPE))
PEERS = {
    "torch loop": partial(run_loop.Runner, each=in_loop),
    "torch hoisted": partial(run_loop.Runner, each=before_loop),
    "jax scan": run_jax.Runner,
    "torch compiled": partial(run_loop.Runner, each=before_loop, compiled=True),
}
BY_DEFAULT = ["torch loop", "torch hoisted", "jax scan"]


def runners(name, dtype, options):
    """Make a workload, our runner and those of the peers that have the cell."""
    workload = workloads.make(name, VARIANTS[name](*SHAPE[2:]), SHAPE, dtype)
    ours = run_numbarnn.Runner(workload, options.threads, training=True, rng=0)
    peers = [peer for peer in options.peers if peer != "jax scan" or name in jax_cells.CELLS]
    return workload, ours, {peer: PEERS[peer](workload, options.threads) for peer in peers}


def measure(name, options):
    """Measure one cell: lines to print, rows of results, and errors (then there are no rows)."""
    workload, *both = runners(name, "float64", options)
    if wrong := wrong_results(workload, SHAPE_NAME, compare(*both)):
        return list(map(report.wrong_line, wrong)), [], wrong
    workload, ours, peers = runners(name, options.dtype, options)
    found, kind = compare(ours, peers), options.kind
    products = MultiplyAdds(workloads.flops(workload.cell, workload.shape, kind), options.threads)
    calls = {"numbarnn": getattr(ours, kind), "products": products.run}
    calls |= {peer: getattr(run, kind) for peer, run in peers.items()}
    times = alternate(calls, options.rounds, options.seconds)
    least = float(np.median(times["products"]))
    results = [row | {"limit": row["peer_ms"] / least} for row in rows(workload, SHAPE_NAME, kind, times, found)]
    return [line(results, options.peers)], results, []


def line(rows, peers):
    text, found = f"{rows[0]['cell']:<42}{rows[0]['numbarnn_ms']:>9.2f}", {row["peer"]: row for row in rows}
    for peer in peers:
        row = found.get(peer)
        text += f"{row['peer_ms']:>18.2f}  {report.ratio(row):<19}{row['limit']:>7.2f}" if row else f"{'':>46}"
    return text.rstrip()


def summary(rows):
    least = min(rows, key=lambda row: row["ratio"])
    below = [row["cell"] for row in rows if row["peer"] == "torch loop" and row["ratio"] < 3]
    text = f"least ratio {least['ratio']:.2f} ({least['cell']}, {least['peer']})"
    return f"{text}; loops under 3: {', '.join(below) or 'none'}"


def main(texts=None):
    parser = arguments.parser("loops", __doc__.splitlines()[0], LOOPS, "few, short rounds")
    parser.add_argument("--peers", type=arguments.names(PEERS), default=BY_DEFAULT, help=f"of {', '.join(PEERS)}")
    parser.add_argument("--kind", choices=("train", "forward"), default="train", help="default train")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32", help="default float32")
    options = arguments.finish(parser.parse_args(texts))
    libraries = installed(sorted({peer.split()[0] for peer in options.peers}))
    options.peers = [peer for peer in options.peers if peer.split()[0] in libraries]
    if not options.peers:
        return 1
    content = {"environment": report.about(libraries, options.threads), "peak_gflops": peak_gflops(options.threads)}
    print(
        f"{'cell':<42}{'ours ms':>9}"
        + "".join(f"{peer + ' ms':>18}  {'ratio [range]':<19}{'limit':>7}" for peer in options.peers)
    )
    content = report.collect({name: partial(measure, name, options) for name in options.cells}, content, options.json)
    if content["results"]:
        print(summary(content["results"]))
    return 1 if content["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
