"""What a callback is, and a list of them."""

from ..errors import Checked, InputError


class Callback(Checked):
    """Subclasses define what they want to hear of. Epochs count from 0; `fit` sets the attributes ahead of all calls.

    ``model``: the model; setting ``model.stop_training`` ends `fit` after the epoch. ``params``: {"epochs": where `fit`
    ends, "metrics": the names of all values of an epoch}. ``logs``: {name: value} of the epoch, as in `History`, which
    takes in what a callback adds.
    """

    model = None
    params = None

    def on_train_begin(self):
        """Once, ahead of the first epoch."""

    def on_epoch_begin(self, epoch):
        """Ahead of each epoch."""

    def on_epoch_end(self, epoch, logs):
        """After each epoch and its validation."""

    def on_train_end(self):
        """Once, after the last epoch."""

    def _fail(self, expected, got):
        raise InputError(f"{type(self).__name__}: expected {expected}, got {got}")


class Callbacks(Callback):
    """A list of callbacks as one, called in their order."""

    def __init__(self, callbacks, model, params):
        callbacks = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or ())
        for callback in callbacks:
            if not isinstance(callback, Callback):
                raise InputError(f"fit: expected callbacks to be a list of nr.callbacks, got {callback!r} in it")
            callback.model, callback.params = model, params
        self.callbacks = callbacks

    def on_train_begin(self):
        for callback in self.callbacks:
            callback.on_train_begin()

    def on_epoch_begin(self, epoch):
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch)

    def on_epoch_end(self, epoch, logs):
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)

    def on_train_end(self):
        for callback in self.callbacks:
            callback.on_train_end()
