"""Drawings of what is found; they need matplotlib (the extra "plot")."""

import numpy as np

from ..errors import InputError


def plot_gradient_flow(flows, title="Gradient on its way back through time"):
    """A figure of {label: norms (B, T)}, such as `gradient_flow` gives: their means over the rows, on a logarithmic
    scale (zeros are not drawn)."""
    figure, axes = _figure(flows, "plot_gradient_flow")
    for label, norms in flows.items():
        mean = np.mean(norms, axis=0)
        axes.semilogy(np.arange(1, len(mean) + 1), np.where(mean > 0, mean, np.nan), label=label)
    axes.set(title=title, xlabel="step t", ylabel="norm of dL/d state_t, mean over the rows")
    axes.legend()
    return figure


def plot_jacobian_norms(norms, steps=None, title="How much a step can amplify"):
    """A figure of {label: norms (rows, steps)}, such as `jacobian_norms` gives for all steps or those with the indices
    ``steps``: a line for each row."""
    figure, axes = _figure(norms, "plot_jacobian_norms")
    for number, (label, lines) in enumerate(norms.items()):
        times = 1 + (np.arange(np.shape(lines)[1]) if steps is None else np.asarray(steps))
        for row, line in enumerate(lines):
            axes.plot(times, line, color=f"C{number}", alpha=0.6, label=None if row else label)
    axes.axhline(1, color="k", linewidth=0.5)
    axes.set(title=title, xlabel="step t", ylabel="largest singular value of d state_t / d state_(t-1)")
    axes.legend()
    return figure


def plot_saturation(saturation, title="Saturated gates"):
    """A figure of what `gate_saturation` gives: a point for each unit, its shares of values at both limits of the gate.
    Points at the right are mostly open, those at the top mostly shut, those at the origin neither."""
    figure, axes = _figure(saturation, "plot_saturation")
    for name, (low, high) in saturation.items():
        axes.plot(high, low, ".", label=name)
    axes.plot([0, 1], [1, 0], "k:", linewidth=0.5)
    axes.set(title=title, xlabel="share at the upper limit", ylabel="share at the lower limit", aspect="equal")
    axes.legend()
    return figure


def _figure(found, caller):
    if not isinstance(found, dict) or not found:
        raise InputError(f"{caller}: expected {{label: values}} with at least one entry, got {found!r}")
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(f"{caller} needs matplotlib: pip install 'numbarnn[plot]'") from error
    figure = Figure()
    return figure, figure.subplots()
