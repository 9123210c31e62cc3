"""What a callback is, and a list of them."""

from contextlib import contextmanager

from ..errors import Checked, InputError


class Callback(Checked):
    """Subclasses define what they want to hear of. Epochs count from 0; `fit` sets the attributes ahead of all calls.

    ``model``: the model; setting ``model.stop_training`` ends `fit` after the epoch. ``params``: {"epochs": where `fit`
    ends, "metrics": the names of all values of an epoch}. ``logs``: {name: value} of the epoch, as in `History`, which
    takes in what a callback adds.
    """

    model = None
    params = None
    logs_may_grow = False  # whether a callback before this one may add values
    remembered: tuple[str, ...] = ()  # names of the attributes that a resumed training needs
    adds_values = True  # whether `on_epoch_end` may add values to the logs

    def on_train_begin(self):
        """Once, ahead of the first epoch."""

    def on_epoch_begin(self, epoch):
        """Ahead of each epoch."""

    def on_epoch_end(self, epoch, logs):
        """After each epoch and its validation."""

    def on_epoch_finished(self, epoch, logs):
        """After each epoch, when `on_epoch_end` of all callbacks has returned: the time to write files."""

    def on_train_end(self):
        """Once, after the last epoch, or when the training is interrupted."""

    def get_state(self):
        """Return what a resumed training needs: {name: number, text, None, or list of arrays}."""
        return {name: getattr(self, name) for name in self.remembered}

    def set_state(self, state):
        """Take in what `get_state` returned, behind `on_train_begin`."""
        for name in self.remembered:
            setattr(self, name, state[name])

    def _fail(self, expected, got):
        raise InputError(f"{type(self).__name__}: expected {expected}, got {got}")


class Callbacks(Callback):
    """A list of callbacks as one, called in their order."""

    def __init__(self, callbacks, model, params):
        callbacks = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or ())
        for callback in callbacks:
            if not isinstance(callback, Callback):
                raise InputError(f"fit: expected callbacks to be a list of nr.callbacks, got {callback!r} in it")
        for i, callback in enumerate(callbacks):
            callback.model, callback.params = model, params
            callback.logs_may_grow = any(earlier.adds_values for earlier in callbacks[:i])
        self.callbacks = callbacks

    @contextmanager
    def training(self):
        """Begin and end the training; Ctrl-C ends it, too."""
        self.on_train_begin()
        try:
            yield
        except KeyboardInterrupt:
            self.on_train_end()
            raise
        self.on_train_end()

    def on_train_begin(self):
        for callback in self.callbacks:
            callback.on_train_begin()

    def on_epoch_begin(self, epoch):
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch)

    def on_epoch_end(self, epoch, logs):
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)

        for callback in self.callbacks:
            callback.on_epoch_finished(epoch, logs)

    def on_train_end(self):
        for callback in self.callbacks:
            callback.on_train_end()

    def get_state(self):
        """Return [(name of the class, its state)] of those that remember anything."""
        states = [(type(callback).__name__, callback.get_state()) for callback in self.callbacks]
        return [(name, state) for name, state in states if state]

    def set_state(self, states):
        """Give each state to the first callback of its class that has none yet; return the states that are left."""
        waiting, left = [callback for callback in self.callbacks if callback.get_state()], []
        for name, state in states:
            taker = next((callback for callback in waiting if type(callback).__name__ == name), None)
            if taker is None:
                left.append((name, state))
            else:
                waiting.remove(taker)
                taker.set_state(state)
        return left
