"""Figures of matplotlib, and a legend that covers no curve."""

from typing import Any


def legend_below(axes: Any) -> None:
    """Put the legend below the axes, in one row or in two; the figure needs ``layout="constrained"`` to make room."""
    _, labels = axes.get_legend_handles_labels()
    columns = len(labels) if len(labels) < 3 else -(-len(labels) // 2)
    below_the_label = 4  # font sizes: the axis' numbers and its name are above
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0), borderaxespad=below_the_label, ncols=columns)


def new_figure(caller: str, **options: Any) -> tuple[Any, Any]:
    """Make a figure with these options and its axes; the error without matplotlib names the caller."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(f"{caller} needs matplotlib: pip install 'numbarnn[plot]'") from error
    figure = Figure(**options)
    return figure, figure.subplots()
