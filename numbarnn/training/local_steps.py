"""Local SGD: each process updates by its own rows, and now and then all take the mean of their parameters.

Stich (2019), "Local SGD converges fast and communicates little".
"""

import math
from typing import Any

import numpy as np

from ..distributed.alone import Sums
from ..errors import InputError, is_positive_integer
from .objectives import total
from .parts import InParts, counted, divided, summed, sums_suffice
from .update import all_finite, update_weights


class LocalSteps(InParts):
    """Learns from batches by the rows of this process alone, with a mean over all after ``every`` updates."""

    def __init__(self, model: Any, accumulate: int, communicator: Any, every: int):
        super().__init__(model, accumulate, communicator)
        self.every = every

    @property
    def are_one(self) -> bool:
        return False

    def learn(self, batch: Any, transform: Any = None) -> tuple[list, list]:
        """Go through the rows of this process, forward and back, and update.

        Returns the values of the whole batch before the update and their weights; a loss of NaN says that no process
        has updated.
        """
        model, passes = self.model, self._passes(batch, training=True)
        with np.errstate(all="ignore"), passes:
            known = None if sums_suffice(model) else counted(passes)
            sums = Sums()
            totals, updates = summed(passes, known, sums)
        gradients = divided(sums.results(), totals, known)
        totals.over(self.communicator)
        values, weights = totals.results(len(batch.y))
        broken = self.communicator.sum(np.array([not all(map(all_finite, gradients.values()))], float))[0]
        finite = math.isfinite(total(model._objectives, values)) and not broken
        with np.errstate(all="ignore"):
            if not finite or not update_weights(model, gradients, updates, transform):
                values[0] = math.nan
        self.settled = False
        if model.optimizer.iterations % self.every == 0:
            self.settle()
        return values, weights

    def settle(self) -> None:
        """Give all processes the mean of their parameters, and of what their optimisers remember of them."""
        if self.settled:
            return
        arrays = dict(self.model.trainable_params)
        for name, slots in self.model.optimizer.slots.items():
            arrays |= {f"{name}:{slot}": array for slot, array in slots.items()}
        for name, mean in self.communicator.sum_by_name(arrays).items():
            arrays[name][...] = mean / mean.dtype.type(self.communicator.size)
        self.settled = True


def learner(model: Any, accumulate: int, communicator: Any, given: Any, every: Any) -> InParts:
    """Return what learns from batches in parts; ``given`` is the communicator as the caller gave it."""
    if every is None:
        return InParts(model, accumulate, communicator)
    if not is_positive_integer(every):
        raise InputError(f"fit: expected average_every to be a positive integer, got {every!r}")
    if given is None:
        raise InputError(f"fit: expected a communicator beside average_every, got average_every={every} alone")
    return LocalSteps(model, accumulate, communicator, every)
