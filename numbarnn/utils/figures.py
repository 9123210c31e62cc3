"""A legend that covers no curve."""

from typing import Any


def legend_below(axes: Any) -> None:
    """Put the legend below the axes, in one row or in two; the figure needs ``layout="constrained"`` to make room."""
    _, labels = axes.get_legend_handles_labels()
    columns = len(labels) if len(labels) < 3 else -(-len(labels) // 2)
    below_the_label = 4  # font sizes: the axis' numbers and its name are above
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0), borderaxespad=below_the_label, ncols=columns)
