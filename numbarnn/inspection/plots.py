"""Drawings of what is found; they need matplotlib (the extra "plot")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..utils.figures import new_figure


def plot_gradient_flow(flows: Mapping[str, Any], title: str = "Gradient on its way back through time") -> Any:
    """Draw norms of gradients at each step: their means over the rows, on a logarithmic scale.

    Parameters
    ----------
    flows : dict
        {label: norms (B, T)}, such as `gradient_flow` returns; zeros are not drawn.
    title : str, optional
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    InputError
        There is nothing to draw.
    ImportError
        matplotlib is missing (the extra "plot").
    """
    figure, axes = _figure(flows, "plot_gradient_flow")
    for label, norms in flows.items():
        mean = np.mean(norms, axis=0)
        axes.semilogy(np.arange(1, len(mean) + 1), np.where(mean > 0, mean, np.nan), label=label)
    axes.set(title=title, xlabel="step t", ylabel="norm of dL/d state_t, mean over the rows")
    axes.legend()
    return figure


def plot_jacobian_norms(
    norms: Mapping[str, Any], steps: ArrayLike | None = None, title: str = "How much a step can amplify"
) -> Any:
    """Draw how much each step can amplify: a line for each row.

    Parameters
    ----------
    norms : dict
        {label: norms (rows, steps)}, such as `jacobian_norms` returns.
    steps : array_like, optional
        Indices of the steps; by default all.
    title : str, optional
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    InputError
        There is nothing to draw.
    ImportError
        matplotlib is missing (the extra "plot").
    """
    figure, axes = _figure(norms, "plot_jacobian_norms")
    for number, (label, lines) in enumerate(norms.items()):
        times = 1 + (np.arange(np.shape(lines)[1]) if steps is None else np.asarray(steps))
        for row, line in enumerate(lines):
            axes.plot(times, line, color=f"C{number}", alpha=0.6, label=None if row else label)
    axes.axhline(1, color="k", linewidth=0.5)
    axes.set(title=title, xlabel="step t", ylabel="largest singular value of d state_t / d state_(t-1)")
    axes.legend()
    return figure


def plot_saturation(saturation: Mapping[str, Any], title: str = "Saturated gates") -> Any:
    """Draw saturated gates: a point for each unit, with the shares of its values at both limits of the gate.

    Points at the right are mostly open, those at the top mostly shut, those at the origin neither.

    Parameters
    ----------
    saturation : dict
        {gate: `Saturation`}, such as `gate_saturation` returns.
    title : str, optional
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    InputError
        There is nothing to draw.
    ImportError
        matplotlib is missing (the extra "plot").
    """
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
    return new_figure(caller)
