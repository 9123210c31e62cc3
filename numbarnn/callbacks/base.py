"""What a callback is, and a list of them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from ..errors import Checked, InputError
from ..utils.options import call_text, changed_options


class Callback(Checked):
    """Base class of callbacks; subclasses define the methods whose events they need.

    Attributes
    ----------
    model : Sequential
        The model, set by `fit` before the first call. ``model.stop_training = True`` ends `fit` after the epoch.
    params : dict
        {"epochs": number of the last epoch, "metrics": names of all values of an epoch}, set by `fit`.
    """

    model: Any = None
    params: Any = None
    # whether a callback before this one may add values
    logs_may_grow = False
    # names of the attributes that a resumed training needs
    remembered: tuple[str, ...] = ()
    # whether `on_epoch_end` may add values to the logs
    adds_values = True

    def on_train_begin(self) -> None:
        """Act before the first epoch."""

    def on_epoch_begin(self, epoch: int) -> None:
        """Act before an epoch.

        Parameters
        ----------
        epoch : int
            Its number, from 0.
        """

    def on_train_batch_begin(self, batch: int) -> None:
        """Act before a batch.

        Parameters
        ----------
        batch : int
            Its number in the epoch, from 0.
        """

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        """Act after a batch and its update.

        Parameters
        ----------
        batch : int
            Its number in the epoch, from 0.
        logs : dict
            {name: value} of loss and metrics, over the batches of the epoch so far.
        """

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Act after an epoch and its validation.

        Parameters
        ----------
        epoch : int
            Its number, from 0.
        logs : dict
            {name: value} of the epoch, as in `History`, which takes over what a callback adds.
        """

    def on_epoch_finished(self, epoch: int, logs: dict[str, float]) -> None:
        """Act when `on_epoch_end` of all callbacks has returned: the time to write files.

        Parameters
        ----------
        epoch : int
            Its number, from 0.
        logs : dict
            {name: value} of the epoch.
        """

    def on_train_end(self) -> None:
        """Act after the last epoch, or when the training is interrupted."""

    def on_test_begin(self) -> None:
        """Act before an evaluation, or the validation of an epoch."""

    def on_test_batch_begin(self, batch: int) -> None:
        """Act before a batch of an evaluation.

        Parameters
        ----------
        batch : int
            Its number, from 0.
        """

    def on_test_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        """Act after a batch of an evaluation.

        Parameters
        ----------
        batch : int
            Its number, from 0.
        logs : dict
            {name: value} of loss and metrics, over the batches so far.
        """

    def on_test_end(self, logs: dict[str, float]) -> None:
        """Act after an evaluation.

        Parameters
        ----------
        logs : dict
            {name: value} of loss and metrics.
        """

    def on_predict_begin(self) -> None:
        """Act before `predict`."""

    def on_predict_batch_begin(self, batch: int) -> None:
        """Act before a batch of `predict`.

        Parameters
        ----------
        batch : int
            Its number, from 0.
        """

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        """Act after a batch of `predict`.

        Parameters
        ----------
        batch : int
            Its number, from 0.
        logs : dict
            {"outputs": array (batch, ...)}.
        """

    def on_predict_end(self) -> None:
        """Act after `predict`."""

    def get_state(self) -> Any:
        """Return what a resumed training needs.

        Returns
        -------
        dict
            {name: number, text, None, or list of arrays}.
        """
        return {name: getattr(self, name) for name in self.remembered}

    def set_state(self, state: Any) -> Any:
        """Restore what `get_state` returned, after `on_train_begin`.

        Parameters
        ----------
        state : dict
            {name: value}.
        """
        for name in self.remembered:
            setattr(self, name, state[name])

    def __repr__(self):
        return call_text(self, changed_options(self))

    def _fail(self, expected: str, got: object) -> NoReturn:
        raise InputError(f"{type(self).__name__}: expected {expected}, got {got}")


class Callbacks(Callback):
    """Call several callbacks, in their order.

    Parameters
    ----------
    callbacks : Callback, iterable of Callback or None
        The callbacks.
    model : Sequential
        The model for all of them.
    params : dict
        The parameters for all of them; see `Callback`.

    Raises
    ------
    InputError
        Something else than a `Callback` is among the callbacks.
    """

    def __init__(self, callbacks: Callback | Iterable[Callback] | None, model: Any, params: dict[str, Any]):
        callbacks = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or ())
        for callback in callbacks:
            if not isinstance(callback, Callback):
                raise InputError(f"fit: expected callbacks to be a list of nr.callbacks, got {callback!r} in it")
            unknown = [name for name in dir(type(callback)) if name.startswith("on_") and not hasattr(Callback, name)]
            if unknown:
                known = ", ".join(name for name in vars(Callback) if name.startswith("on_"))
                raise InputError(f"fit: {type(callback).__name__} waits for {', '.join(unknown)}, there are {known}")
        for i, callback in enumerate(callbacks):
            callback.model, callback.params = model, params
            callback.logs_may_grow = any(earlier.adds_values for earlier in callbacks[:i])
        self.callbacks = callbacks
        self.of_batches = {
            name: [c for c in callbacks if getattr(type(c), name) is not getattr(Callback, name)]
            for name in ("on_train_batch_end", "on_test_batch_end")
        }

    @contextmanager
    def training(self) -> Iterator[None]:
        """Begin and end the training; Ctrl-C ends it, too.

        Yields
        ------
        None
            While the training runs.
        """
        self.on_train_begin()
        try:
            yield
        except KeyboardInterrupt:
            self.on_train_end()
            raise
        self.on_train_end()

    def on_train_begin(self) -> None:
        for callback in self.callbacks:
            callback.on_train_begin()

    def on_epoch_begin(self, epoch: int) -> None:
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch)

    def on_train_batch_begin(self, batch: int) -> None:
        for callback in self.callbacks:
            callback.on_train_batch_begin(batch)

    def on_train_batch_end(self, batch: int, means: Any) -> None:
        """Call those that wait for batches with the values so far, of `Means`."""
        for callback in self.of_batches["on_train_batch_end"]:
            callback.on_train_batch_end(batch, means.values())

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)
        for callback in self.callbacks:
            callback.on_epoch_finished(epoch, logs)

    def on_train_end(self) -> None:
        for callback in self.callbacks:
            callback.on_train_end()

    def get_state(self) -> list[tuple[str, dict[str, Any]]]:
        """Return [(name of the class, its state)] of the callbacks that remember anything."""
        states = [(type(callback).__name__, callback.get_state()) for callback in self.callbacks]
        return [(name, state) for name, state in states if state]

    def set_state(self, state: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
        """Give each state to the first callback of its class that has none yet; return the states that are left."""
        waiting, left = [callback for callback in self.callbacks if callback.get_state()], []
        for name, state_of_one in state:
            taker = next((callback for callback in waiting if type(callback).__name__ == name), None)
            if taker is None:
                left.append((name, state_of_one))
            else:
                waiting.remove(taker)
                taker.set_state(state_of_one)
        return left

    def on_test_begin(self) -> None:
        for callback in self.callbacks:
            callback.on_test_begin()

    def on_test_batch_begin(self, batch: int) -> None:
        for callback in self.callbacks:
            callback.on_test_batch_begin(batch)

    def on_test_batch_end(self, batch: int, means: Any) -> None:
        """Call those that wait for batches with the values so far, of `Means`."""
        for callback in self.of_batches["on_test_batch_end"]:
            callback.on_test_batch_end(batch, means.values())

    def on_test_end(self, logs: dict[str, float]) -> None:
        for callback in self.callbacks:
            callback.on_test_end(logs)

    def on_predict_begin(self) -> None:
        for callback in self.callbacks:
            callback.on_predict_begin()

    def on_predict_batch_begin(self, batch: int) -> None:
        for callback in self.callbacks:
            callback.on_predict_batch_begin(batch)

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        for callback in self.callbacks:
            callback.on_predict_batch_end(batch, logs)

    def on_predict_end(self) -> None:
        for callback in self.callbacks:
            callback.on_predict_end()
