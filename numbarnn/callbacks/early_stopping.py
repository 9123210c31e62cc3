"""Stop when nothing improves any more."""

from typing import Any

from ..utils.docs import inherit_parameters
from .monitor import Monitor


@inherit_parameters
class EarlyStopping(Monitor):
    """End the training after some epochs in a row without improvement.

    Parameters
    ----------
    patience : int, default 0
        Number of these epochs; 0 counts as 1.
    restore_best_weights : bool, default False
        Whether the model gets the weights of its best epoch in the end, stopped early or not (as in Keras 3).

    Attributes
    ----------
    best_epoch : int or None
        The best epoch, from 0.
    stopped_epoch : int or None
        The last epoch, or None if all epochs were run.

    Raises
    ------
    InputError
        An option is unknown or out of its range; or, when training begins, nothing of the name ``monitor`` is measured.
    """

    remembered = ("best", "wait", "best_epoch", "stopped_epoch", "best_weights")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        *,
        mode: str = "auto",
        restore_best_weights: bool = False,
    ):
        super().__init__(monitor, min_delta, mode)
        self.patience = self._count("patience", patience)
        self.restore_best_weights = restore_best_weights
        self._forget()

    def on_train_begin(self) -> None:
        super().on_train_begin()
        self._forget()

    def _forget(self):
        self.wait, self.best_epoch, self.stopped_epoch, self.best_weights = 0, None, None, None

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        if self.improved(logs):
            self.wait, self.best_epoch = 0, epoch
            self.best_weights = self.model.get_weights() if self.restore_best_weights else None
            return
        self.wait += 1
        if self.wait >= max(1, self.patience):
            self.stopped_epoch, self.model.stop_training = epoch, True

    def set_state(self, state: Any) -> None:
        super().set_state(state)
        if self.stopped_epoch is not None:
            self.model.stop_training = True

    def on_train_end(self) -> None:
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)
