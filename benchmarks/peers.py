"""numbarnn against PyTorch and JAX on the same weights and inputs, in one process and strictly alternating.

    python -m benchmarks.peers [--quick] [--json FILE]

Results are compared before anything is timed; a wrong one ends its cell and shape, and the exit code is 1. "train" is
forward, full BPTT and the gradients of all parameters and of the inputs, weights packed within every call; "forward" is
outputs only. GF/s count 2·T·B·G·H·(I+H) operations (G = 1, 4, 3 products for SimpleRNN, LSTM, GRU), three times as many
for training. A ratio is peer time over our time, medians over all rounds; its range comes from single rounds.
"""

import argparse
import os
import sys
from importlib import import_module

import numpy as np
from numba import config

from . import report, run_jax, run_numbarnn, run_torch, workloads
from .peak import peak_gflops
from .timing import alternate

PEERS = {"torch": run_torch.Runner, "jax": run_jax.Runner}
KINDS = ("train", "forward")
QUICK_SHAPES = ("series", "ptb", "b1")
BOUND = {"float32": 5e-5, "float64": 1e-12}  # of the largest entry of an array


def error(ours, theirs):
    """Largest difference over the largest entry; infinite where shapes or dtypes differ."""
    if (ours.shape, ours.dtype) != (theirs.shape, theirs.dtype):
        return np.inf
    return float(np.abs(ours - theirs).max() / (np.abs(theirs).max() or 1))


def compare(ours, peers):
    """{peer: {name: error}} over all results of the runners."""
    expected = ours.results()
    found = {}
    for peer, runner in peers.items():
        results = runner.results()
        found[peer] = {name: error(expected[name], results[name]) for name in expected}
    return found


def wrong_results(workload, shape_name, found):
    """A dictionary for each error that is above the bound; NaN is."""
    bound = BOUND[workload.dtype]
    where = {"cell": workload.cell, "shape_name": shape_name, "dtype": workload.dtype}
    return [
        {**where, "peer": peer, "quantity": name, "error": str(value), "bound": bound}
        for peer, errors in found.items()
        for name, value in errors.items()
        if not value <= bound
    ]


def rows(workload, shape_name, kind, times, found):
    """A row of results for each peer, or one without a peer."""
    ours = times["numbarnn"]
    ms = float(np.median(ours))
    common = {
        "cell": workload.cell,
        "shape": workload.shape,
        "shape_name": shape_name,
        "dtype": workload.dtype,
        "kind": kind,
    }
    gflops = workloads.flops(workload.cell, workload.shape, kind) / ms / 1e6
    if not found:
        nothing = dict.fromkeys(("peer", "peer_ms", "ratio", "ratio_min", "ratio_max", "max_error"))
        return [{**common, "numbarnn_ms": ms, "gflops": gflops, **nothing}]
    result = []
    for peer, errors in found.items():
        theirs, ratios = float(np.median(times[peer])), times[peer] / ours
        row = {**common, "numbarnn_ms": ms, "gflops": gflops, "peer": peer, "peer_ms": theirs, "ratio": theirs / ms}
        row |= {"ratio_min": float(ratios.min()), "ratio_max": float(ratios.max())}
        row["max_error"] = max(value for name, value in errors.items() if (name == "forward") == (kind == "forward"))
        result.append(row)
    return result


def measure(cell, shape_name, options):
    """Compare, then time: the rows of each kind, and what was wrong (then there are no rows)."""
    workload = workloads.make(cell, workloads.shape(shape_name), options.dtype)
    ours = run_numbarnn.Runner(workload, options.threads)
    peers = {peer: PEERS[peer](workload, options.threads) for peer in options.peers}
    found = compare(ours, peers)
    if wrong := wrong_results(workload, shape_name, found):
        return [], wrong
    results = []
    for kind in options.kinds:
        calls = {name: getattr(runner, kind) for name, runner in {"numbarnn": ours, **peers}.items()}
        times = alternate(calls, options.rounds, options.seconds)
        results.append(rows(workload, shape_name, kind, times, found))
    return results, []


def run(options, peak):
    """Measure everything asked for, print and save it as it comes; the content of the JSON file."""
    content = {"environment": report.about(options.peers, options.threads), "peak_gflops": peak}
    content |= {"results": [], "wrong": []}
    pairs = [(cell, shape_name) for cell in options.cells for shape_name in options.shapes]
    progress = report.Progress(len(pairs))
    for done, (cell, shape_name) in enumerate(pairs):
        progress.show(done, f"{cell} {shape_name}")
        results, wrong = measure(cell, shape_name, options)
        progress.clear()
        print(*(report.line(group, peak) for group in results), *map(report.wrong_line, wrong), sep="\n", flush=True)
        content["results"] += [row for group in results for row in group]
        content["wrong"] += wrong
        if options.json:
            report.save(options.json, content)
    return content


def names(known):
    """An argparse type: names out of `known`, separated by commas."""

    def parse(text):
        chosen = [name for name in text.split(",") if name]
        if unknown := [name for name in chosen if name not in known]:
            raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there are {', '.join(known)}")
        return chosen

    return parse


def number(least, most):
    """An argparse type: a whole number from `least` to `most`."""

    def parse(text):
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"expected a number from {least} to {most}, got {text!r}")
        return int(text)

    return parse


def shape_names(text):
    """An argparse type: names of shapes, or sizes such as 28x150x28x150."""
    chosen = text.split(",")
    try:
        for name in chosen:
            workloads.shape(name)
    except ValueError as reason:
        raise argparse.ArgumentTypeError(str(reason)) from None
    return chosen


def parse(arguments):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description="numbarnn against PyTorch and JAX.")
    parser.add_argument("--quick", action="store_true", help="few, short rounds, small shapes; under two minutes")
    parser.add_argument("--json", metavar="FILE", help="write the results to FILE")
    parser.add_argument("--cells", type=names(workloads.BLOCKS), default=list(workloads.BLOCKS), help="default: all")
    parser.add_argument("--shapes", type=shape_names, help=f"{','.join(workloads.SHAPES)}, or TxBxIxH; default: all")
    parser.add_argument("--dtype", choices=BOUND, default="float32")
    parser.add_argument("--kinds", type=names(KINDS), default=list(KINDS), help="train,forward")
    parser.add_argument("--peers", type=names(PEERS), default=list(PEERS), help="torch,jax; '' for none")
    parser.add_argument("--rounds", type=number(1, 1000), help="measurements of each library, in turn; default 7")
    most = config.NUMBA_NUM_THREADS
    parser.add_argument("--threads", type=number(1, most), default=min(2, most), help="default 2")
    options = parser.parse_args(arguments)
    options.shapes = options.shapes or list(QUICK_SHAPES if options.quick else workloads.SHAPES)
    options.rounds = options.rounds or (3 if options.quick else 7)
    options.seconds = 0.05 if options.quick else 0.12
    return options


def installed(peers):
    """Those that can be imported, imported now: PyTorch is up to a hundred times slower if Numba's threads start first,
    because it then shares Numba's OpenMP library."""
    found = []
    for peer in peers:
        try:
            import_module(peer)
            found.append(peer)
        except ImportError as reason:
            print(f"{peer} is left out: {reason} (pip install {peer})", file=sys.stderr)
    return found


def limit_cores(threads):
    """JAX has no option for its threads: it takes one for each core that it may use."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def main(arguments=None):
    options = parse(arguments)
    limit_cores(options.threads)
    options.peers = installed(options.peers)
    peak = peak_gflops(options.threads, options.dtype)
    print(f"{options.dtype}, {options.threads} threads, measured FMA peak {peak:.0f} GF/s, {options.rounds} rounds")
    if (load := report.load_average()) > 0.5:
        print(f"other processes are using this machine (load average {load:.1f}): expect noise")
    print(report.header(options.peers), flush=True)
    content = run(options, peak)
    print(report.summary(content["results"]))
    return 1 if content["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
