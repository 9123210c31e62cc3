"""The rows of a batch that a process takes through truncated BPTT, and what its passes add up to over all processes."""

from typing import Any

import numpy as np

from ..utils.rows import RowGenerator, Rows
from .batches import Data
from .objectives import measured
from .parts import Totals, cut


class AllRows:
    """All rows of a batch, in one process."""

    def __init__(self, model: Any, batch: Data):
        self.model, self.batch, self.rng = model, batch, model._dropout_rng

    def own(self, array: Any) -> Any:
        """Return the rows of this process."""
        return array

    def joined(self, array: np.ndarray) -> np.ndarray:
        """Copy the rows of all processes."""
        return np.copy(array)

    def measure(self, run: Any, steps: Any) -> Any:
        """Return the `Measured` of a pass over the rows of this process."""
        return self.model._measure(steps.y, run, steps.weights)

    def values(self, found: Any) -> tuple[list, list]:
        """Return the values of a pass over all rows, and their weights."""
        return found.values, found.weights

    def mean(self, gradients: dict, weight: float, whole: float) -> dict:
        """Return the gradients of the loss of all rows from those of the rows here, whose weight is that."""
        return gradients

    def summed(self, gradients: dict) -> dict:
        """Add up gradients over all processes."""
        return gradients


class OwnRows(AllRows):
    """A share of the rows of a batch; other processes have the others."""

    def __init__(self, model: Any, batch: Data, communicator: Any):
        samples = len(batch.y)
        first, count = cut(samples, communicator.size)[communicator.rank]
        self.model, self.communicator, self.rows = model, communicator, Rows(first, count, samples)
        self.batch, self.rng = batch.rows(self._slice), RowGenerator(model._dropout_rng, self.rows)

    @property
    def _slice(self):
        return slice(self.rows.first, self.rows.first + self.rows.count)

    def own(self, array: Any) -> Any:
        return None if array is None else array[self._slice]

    def joined(self, array: np.ndarray) -> np.ndarray:
        return self.communicator.join(array)

    def measure(self, run: Any, steps: Any) -> Any:
        return measured(run, steps.y, self.model._objectives, self.model._fused, steps.weights)

    def values(self, found: Any) -> tuple[list, list]:
        totals = Totals(self.model)
        totals.add(found, 0.0, self.rows)
        return totals.over(self.communicator).results(self.rows.total)

    def mean(self, gradients: dict, weight: float, whole: float) -> dict:
        adds = self.model.loss.reduction == "sum"
        parts = {name: g if adds else g * g.dtype.type(weight) for name, g in gradients.items()}
        divisor = 1 if adds else whole or 1
        return {name: g / g.dtype.type(divisor) for name, g in self.summed(parts).items()}

    def summed(self, gradients: dict) -> dict:
        return self.communicator.sum_by_name(gradients)


def shares_of(model: Any, batch: Data, communicator: Any) -> AllRows:
    """Return the rows of a batch that this process takes."""
    return AllRows(model, batch) if communicator.size == 1 else OwnRows(model, batch, communicator)
