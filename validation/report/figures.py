"""The plots of the page."""

from functools import cache

import numpy as np
from numba import config

from .. import vector_functions
from ..compare import DTYPES, FORWARD, GRADIENT, PYTORCH_FACTOR, PYTORCH_LEAST
from .html import element
from .plots import Axis, around, plot

BIAS, LEAST, LINES = "d_parameters", 1e-17, 4  # quantity; error shown for none; cells in one plot
RANGES = {"exp": (-80.0, 80.0), "tanh": (-10.0, 10.0), "sigmoid": (-30.0, 30.0)}
BINS, IN_BIN = 80, 2000


def figures(*plots):
    """Plots side by side; nothing if there are none."""
    return element("div", *plots, class_="figures") if plots else ""


def against_steps(runs):
    """Error against the number of steps, for each cell: in float64 gate by gate, in float32 beside other libraries."""
    plots = {}
    for results, _ in runs:
        for r in results:
            if r.check == "long" and np.isfinite(r.error) and not (r.dtype == "float32" and inner(r)):
                title, name = line_of(r)
                line = plots.setdefault(title, {}).setdefault(name, {})
                line[r.shape["T"]] = max(r.error, line.get(r.shape["T"], 0.0))
    return figures(*(plot_of_steps(title, lines) for title, lines in sorted(plots.items())))


def inner(r):
    """Whether other libraries do not show the quantity: states within a sequence, gates, and a step alone."""
    return r.quantity.startswith(("states.", "gates", "step."))


def line_of(r):
    """(title of the plot, name of the line) of a result."""
    gradient = r.quantity.startswith("d_")
    if r.dtype == "float32":
        return f"{r.cell}, float32, {'gradients' if gradient else 'values'}", r.program
    return f"{r.cell}, float64", "values" if not gradient else f"gradient of {r.gate}" if r.gate else "other gradients"


def plot_of_steps(title, lines):
    ours_first = sorted(lines.items(), key=lambda pair: (pair[0] != "numbarnn", pair[0]))
    lines = {name: sorted(line.items()) for name, line in ours_first}
    x = around("steps T", [t for line in lines.values() for t, _ in line], 10)
    y = around("error", [e for line in lines.values() for _, e in line if e > 0], 10)
    return plot(title, x, y, lines)


def beside_peers(runs):
    """float32: our error over that of PyTorch, a plot for each cell that PyTorch has."""
    of_cells = {}
    for results, _ in runs:
        for r in results:
            if r.check == "cells" and r.dtype == "float32" and has_yardstick(r) and r.error > 0:
                kind = "gradients" if r.quantity.startswith("d_") else "values"
                of_cells.setdefault(r.cell, {}).setdefault(kind, []).append((r.bound / PYTORCH_FACTOR, r.error))
    return figures(*(plot_of_peer(cell, points) for cell, points in sorted(of_cells.items())))


def has_yardstick(r):
    """Whether the bound is made of the error of PyTorch's float32 on the same case."""
    return r.bound not in (FORWARD["float32"], GRADIENT["float32"], PYTORCH_LEAST) and np.isfinite(r.bound)


def plot_of_peer(cell, points):
    values = [v for kind in points.values() for pair in kind for v in pair]
    axis = around("error of PyTorch's float32", values, 10)
    ends = [(axis.low, axis.low), (axis.high, axis.high)]
    shown = {kind: thinned(pairs) for kind, pairs in points.items()}
    y = Axis("error of ours", axis.low, axis.high, 10)
    return plot(f"{cell}: below the diagonal ours is smaller", axis, y, shown | {"equal": ends}, points=True)


def thinned(pairs, most=250):
    """At most so many of the points, spread over all of them; the worst ratios are among them."""
    pairs = sorted(set(pairs), key=lambda pair: pair[1] / pair[0])
    places = np.unique(np.linspace(0, len(pairs) - 1, min(most, len(pairs))).round().astype(int))
    return [pairs[i] for i in places]


@cache
def ulps():
    """The error of vector functions in units in the last place, over their arguments."""
    if config.DISABLE_JIT:
        return element("p", "There are no vector functions without a compiler.")
    plots = []
    for name, (low, high) in RANGES.items():
        edges = np.linspace(low, high, BINS + 1)
        lines = {dtype: list(zip(edges[:-1], worst_ulps(name, dtype, edges), strict=True)) for dtype in DTYPES}
        y = Axis("worst error, ULP", 0.0, 4.0)
        plots.append(plot(f"{name} of a SIMD vector; the bound is 3 ULP", Axis("x", low, high), y, lines))
    return figures(*plots)


def worst_ulps(name, dtype, edges):
    """The worst error between two edges each."""
    rng = np.random.default_rng(0)
    x = rng.uniform(edges[:-1, None], edges[1:, None], (BINS, IN_BIN)).astype(dtype)
    value = vector_functions.elementwise(name, x.ravel()).reshape(x.shape)
    truth = vector_functions.TRUTH[name](x.astype(np.longdouble))
    return [vector_functions.ulp_error(v, t, 0.0) for v, t in zip(value, truth, strict=True)]


def bias(runs):
    """How far truncated BPTT is from the gradient of RTRL, over the length of the window; a few cells a plot."""
    of_cells = {}
    for results, _ in runs:
        for r in results:
            if r.quantity == BIAS:
                of_cells.setdefault(r.cell, []).append((r.shape["truncate"][1], max(r.error, LEAST)))
    lines = {cell: sorted(line) for cell, line in sorted(of_cells.items())}
    x = around("steps back k2", [k for line in lines.values() for k, _ in line], 2)
    y = around("relative error", [e for line in lines.values() for _, e in line], 10)
    groups = [dict(list(lines.items())[i : i + LINES]) for i in range(0, len(lines), LINES)]
    return figures(*(plot(f"bias: {', '.join(group)}", x, y, group) for group in groups))
