"""Training curves: one figure for each metric and one for the loss, of one history or of several to compare."""


def figures(histories):
    """{NAME.png: figure} for {label: `History`}: training as dots, validation as a line, each model in its colour."""
    keys = [key for history in histories.values() for key in history.history if not key.startswith("val_")]
    return {f"{key}.png": _figure(key, histories) for key in dict.fromkeys(keys)}


def _figure(key, histories):
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    for number, (label, history) in enumerate(histories.items()):
        of, epochs, values = f" of {label}" if label else "", history.epoch, history.history
        axes.plot(epochs, values[key], "o", color=f"C{number}", markersize=4, label=f"training {key}{of}")
        if f"val_{key}" in values:
            axes.plot(epochs, values[f"val_{key}"], color=f"C{number}", label=f"validation {key}{of}")
    axes.set(title=f"{key} in training", xlabel="epoch")
    axes.legend()
    return figure
