"""Compare numbarnn with others on the same workload: first the results, then the times, measured in turn."""

import sys
from importlib import import_module

import numpy as np

from . import workloads
from .timing import alternate

BOUND = {"float32": 5e-5, "float64": 1e-12}  # of the largest entry of an array


def installed(peers):
    """Import the libraries that are installed, now: PyTorch is up to a hundred times slower if Numba's threads start
    first, because it then shares Numba's OpenMP library."""
    found = []
    for peer in peers:
        try:
            import_module(peer)
            found.append(peer)
        except ImportError as reason:
            print(f"{peer} is left out: {reason} (pip install {peer})", file=sys.stderr)
    return found


def error(ours, theirs):
    """Compute the largest difference over the largest entry; infinite if shapes or dtypes differ."""
    if (ours.shape, ours.dtype) != (theirs.shape, theirs.dtype):
        return np.inf
    return float(np.abs(ours - theirs).max() / (np.abs(theirs).max() or 1))


def compare(ours, peers):
    """Compute {peer: {name: error}} of all results of the peers' runners."""
    expected = ours.results()
    return {
        peer: {name: error(expected[name], value) for name, value in runner.results().items()}
        for peer, runner in peers.items()
    }


def wrong_results(workload, shape_name, found):
    """Describe each error above the bound, or NaN, in a dictionary."""
    bound = BOUND[workload.dtype]
    where = {"cell": workload.name, "shape_name": shape_name, "dtype": workload.dtype}
    return [
        {**where, "peer": peer, "quantity": name, "error": str(value), "bound": bound}
        for peer, errors in found.items()
        for name, value in errors.items()
        if not value <= bound
    ]


def rows(workload, shape_name, kind, times, found):
    """Make a row of results for each peer, or one without a peer."""
    ours = times["numbarnn"]
    ms = float(np.median(ours))
    common = {
        "cell": workload.name,
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


def timed(workload, shape_name, ours, peers, found, kinds, options):
    """Time the runners in turn and return the rows of each kind; `found` are their errors."""
    groups = []
    for kind in kinds:
        runners = {"numbarnn": ours, **peers}
        calls = {name: getattr(runner, kind) for name, runner in runners.items() if hasattr(runner, kind)}
        times = alternate(calls, options.rounds, options.seconds)
        errors = {peer: errors for peer, errors in found.items() if peer in calls}
        groups.append(rows(workload, shape_name, kind, times, errors))
    return groups
