"""Callbacks of a training on several processes: they run on rank 0 alone, and what they decide holds for all."""

from typing import Any

from .base import Callback, Callbacks

BATCHES = "on_train_batch_begin", "on_train_batch_end"


def callbacks_of(callbacks: Any, model: Any, params: dict[str, Any], communicator: Any) -> Callbacks:
    """Return the callbacks of a training on the processes of a communicator."""
    if communicator.size == 1:
        return Callbacks(callbacks, model, params)
    return SharedCallbacks(callbacks, model, params, communicator)


class SharedCallbacks(Callbacks):
    """Call the callbacks of rank 0.

    The end of the training, the learning rate, the values of an epoch and, but for those between batches, the weights
    that they set reach all processes.
    """

    def __init__(self, callbacks: Any, model: Any, params: dict[str, Any], communicator: Any):
        super().__init__(callbacks if communicator.rank == 0 else (), model, params)
        self.model, self.communicator = model, communicator
        waiting = [name for name in BATCHES if any(overrides(callback, name) for callback in self.callbacks)]
        self.any, self.waiting = communicator.share((bool(self.callbacks), waiting))

    def on_train_begin(self) -> None:
        super().on_train_begin()
        self._follow(weights=True)

    def set_state(self, state: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
        left = self.communicator.share(super().set_state(state))
        self._follow(weights=True)
        return left

    def on_epoch_begin(self, epoch: int) -> None:
        super().on_epoch_begin(epoch)
        self._follow(weights=True)

    def on_train_batch_begin(self, batch: int) -> None:
        super().on_train_batch_begin(batch)
        if "on_train_batch_begin" in self.waiting:
            self._follow()

    def on_train_batch_end(self, batch: int, means: Any) -> None:
        super().on_train_batch_end(batch, means)
        if "on_train_batch_end" in self.waiting:
            self._follow()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        super().on_epoch_end(epoch, logs)
        logs |= self.communicator.share(logs)
        self._follow(weights=True)

    def on_train_end(self) -> None:
        super().on_train_end()
        self._follow(weights=True)

    def _follow(self, weights=False):
        """Take over from rank 0 what its callbacks may have set."""
        if not self.any:
            return
        model, optimizer = self.model, self.model.optimizer
        rate = None if callable(optimizer.learning_rate) else optimizer.learning_rate
        arrays = model.get_weights() if weights else None
        model.stop_training, rate, arrays = self.communicator.share((model.stop_training, rate, arrays))
        if rate is not None:
            optimizer.learning_rate = rate
        if arrays is not None:
            model.set_weights(arrays)


def overrides(callback: Callback, name: str) -> bool:
    """Say whether a callback has a method of its own for an event."""
    return getattr(type(callback), name) is not getattr(Callback, name)
