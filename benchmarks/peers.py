"""numbarnn against other libraries on the same weights and inputs, in one process and strictly alternating.

    python -m benchmarks.peers [--quick] [--json FILE]

Results are compared before anything is timed; a wrong one ends its cell and shape, and the exit code is 1. "train" is
forward, full BPTT and the gradients of all parameters and of the inputs, with weights packed in every call; "forward"
is outputs only, which is all that onnxruntime has, whose weights are packed once. Keras runs on TensorFlow. GF/s count
2·T·B·G·H·(I+H) operations (G = 1, 4, 3 products for SimpleRNN, LSTM, GRU), three times as many for training. A ratio is
peer time over our time, the median over all rounds; its range is that of single rounds.
"""

import argparse
import os
import sys
from functools import partial

from . import arguments, report, run_jax, run_keras, run_numbarnn, run_onnx, run_torch, workloads
from .comparison import BOUND, compare, installed, timed, wrong_results
from .peak import peak_gflops

PEERS = {
    "torch": run_torch.Runner,
    "jax": run_jax.Runner,
    "keras": run_keras.Runner,
    "onnxruntime": run_onnx.Runner,
}
FLOAT32_ONLY = "onnxruntime"
KINDS = ("train", "forward")
QUICK_SHAPES = ("series", "ptb", "b1")


def measure(cell, shape_name, options, peak):
    """Measure one cell and shape: lines to print, rows of results, and errors (then there are no rows)."""
    shape = workloads.shape(shape_name)
    workload = workloads.make(cell, workloads.CELLS[cell](shape[3]), shape, options.dtype)
    ours = run_numbarnn.Runner(workload, options.threads)
    peers = {peer: PEERS[peer](workload, options.threads) for peer in options.peers}
    found = compare(ours, peers)
    if wrong := wrong_results(workload, shape_name, found):
        return list(map(report.wrong_line, wrong)), [], wrong
    groups = timed(workload, shape_name, ours, peers, found, options.kinds, options)
    return [report.line(group, peak) for group in groups], [row for group in groups for row in group], []


def run(options, peak):
    """Measure everything asked for, print and save it as it comes; returns the content of the JSON file."""
    content = {"environment": report.about(options.peers, options.threads), "peak_gflops": peak}
    pairs = [(cell, shape_name) for cell in options.cells for shape_name in options.shapes]
    tasks = {" ".join(pair): partial(measure, *pair, options, peak) for pair in pairs}
    return report.collect(tasks, content, options.json)


def shape_names(text):
    """Parse names of shapes, or sizes such as 28x150x28x150 (an argparse type)."""
    chosen = text.split(",")
    try:
        for name in chosen:
            workloads.shape(name)
    except ValueError as reason:
        raise argparse.ArgumentTypeError(str(reason)) from None
    return chosen


def parse(texts):
    quick = "few, short rounds, small shapes; under two minutes"
    parser = arguments.parser("peers", "numbarnn against PyTorch, JAX, Keras and onnxruntime.", workloads.CELLS, quick)
    parser.add_argument("--shapes", type=shape_names, help=f"{','.join(workloads.SHAPES)}, or TxBxIxH; default: all")
    parser.add_argument("--dtype", choices=BOUND, default="float32")
    parser.add_argument("--kinds", type=arguments.names(KINDS), default=list(KINDS), help="train,forward")
    parser.add_argument(
        "--peers", type=arguments.names(PEERS), default=list(PEERS), help="torch,jax,keras,onnxruntime; '' for none"
    )
    options = arguments.finish(parser.parse_args(texts))
    options.shapes = options.shapes or list(QUICK_SHAPES if options.quick else workloads.SHAPES)
    return options


def limit_cores(threads):
    """Limit the cores of this process: JAX has no option for its threads and takes one for each core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def main(texts=None):
    options = parse(texts)
    limit_cores(options.threads)
    if options.dtype != "float32" and FLOAT32_ONLY in options.peers:
        print(f"{FLOAT32_ONLY} is left out: it has recurrent layers in float32 alone", file=sys.stderr)
        options.peers = [peer for peer in options.peers if peer != FLOAT32_ONLY]
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
