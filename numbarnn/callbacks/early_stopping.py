"""Stop when nothing improves any more."""

from .monitor import Monitor


class EarlyStopping(Monitor):
    """Ends the training after ``patience`` epochs in a row without improvement, and at least one (see `Monitor`).

    ``restore_best_weights``: in the end, stopped early or not, the model gets the weights of its best epoch (Keras 3).
    ``best_epoch`` and ``stopped_epoch`` (None: all epochs were made) say when that was.
    """

    remembered = ("best", "wait", "best_epoch", "stopped_epoch", "best_weights")

    def __init__(self, monitor="val_loss", min_delta=0.0, patience=0, *, mode="auto", restore_best_weights=False):
        super().__init__(monitor, min_delta, mode)
        self.patience = self._count("patience", patience)
        self.restore_best_weights = restore_best_weights
        self._forget()

    def on_train_begin(self):
        super().on_train_begin()
        self._forget()

    def _forget(self):
        self.wait, self.best_epoch, self.stopped_epoch, self.best_weights = 0, None, None, None

    def on_epoch_end(self, epoch, logs):
        if self.improved(logs):
            self.wait, self.best_epoch = 0, epoch
            self.best_weights = self.model.get_weights() if self.restore_best_weights else None
            return
        self.wait += 1
        if self.wait >= max(1, self.patience):
            self.stopped_epoch, self.model.stop_training = epoch, True

    def set_state(self, state):
        super().set_state(state)
        if self.stopped_epoch is not None:
            self.model.stop_training = True

    def on_train_end(self):
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)
