"""Training curves: one figure for each metric and one for the loss, of one history or of several to compare."""

from typing import Any

from ..training.history import History, draw_curves, finish_curves


def figures(histories: dict[str, History]) -> dict[str, Any]:
    """Plot {label: history} as {NAME.png: figure}: training as dots, validation as a line, a color for each model.

    Epochs count from 1, as in the progress of the training.
    """
    keys = [key for history in histories.values() for key in history.history if not key.startswith("val_")]
    return {f"{key}.png": _figure(key, histories) for key in dict.fromkeys(keys)}


def _figure(key: str, histories: dict[str, History]) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(6.4, 3 * len(histories)), 4.8), layout="constrained")
    axes = figure.subplots()
    for number, (label, history) in enumerate(histories.items()):
        of, epochs = f" of {label}" if label else "", [epoch + 1 for epoch in history.epoch]
        draw_curves(axes, key, history, epochs, f"C{number}", (f"training {key}{of}", f"validation {key}{of}"))
    axes.set_title(f"{key} in training")
    finish_curves(axes, key)
    return figure
