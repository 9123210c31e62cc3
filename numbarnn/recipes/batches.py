"""Train on batches that a recipe draws itself."""

import math
from collections.abc import Callable, Iterable
from typing import Any

from ..models.sequential import Sequential
from ..training.batches import Means
from ..training.history import History
from ..training.progress import Progress


def fit_batches(
    model: Sequential, draw: Callable[[], Iterable], updates: int, test: tuple[Any, Any], epochs: int, batch_size: int
) -> History:
    """Train on the batches (x, y) that `draw()` returns for each epoch, `updates` of them.

    After each epoch the model is evaluated on `test` (x, y). A loss that is not finite ends the training.
    """
    model.history = history = History()
    for epoch in range(epochs):
        progress, means = Progress(f"epoch {epoch + 1}/{epochs}", updates, 1), Means(model.metrics_names)
        for x, y in draw():
            values = model.train_on_batch(x, y)
            means.add(values, [len(x)] * len(values))
            progress.update(len(x), means)
        results = means.values()
        on_test = model.evaluate(*test, batch_size, return_dict=True)
        results |= {f"val_{name}": value for name, value in on_test.items()}
        progress.finish(results)
        history.append(epoch, results)
        if not math.isfinite(results["loss"]):
            break
    return history
