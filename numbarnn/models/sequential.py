"""`Sequential`: a chain of layers, its training and its use."""

import math
import warnings

import numpy as np

from ..callbacks import Callbacks
from ..errors import InputError
from ..layers.base import is_positive_integer
from ..training import resume as training_state
from ..training.batches import Means, batch_rows, split_validation
from ..training.history import History
from ..training.progress import Progress
from ..training.trainer import Trainable, expect_positive, plain
from ..training.truncated import training_step


class Sequential(Trainable):
    """Layers one after another, with training as Keras has it.

    ``seed`` decides everything random (initial weights, shuffling, dropout): the same seed, data and calls give the
    same bits. ``dtype``: "float32" or "float64". ``device``: where the recurrent layers run, see `nr.forward`.

    The loss holds the penalties of all regularisers, in `evaluate` too. Where a mask (of `Masking`, or `Embedding` with
    mask_zero) reaches the output, loss and metrics are means over the valid steps, which come as rows (steps, outputs)
    with their labels; nothing else is looked at. So does Keras, except that in its mean of the loss over batches every
    sample has the same weight, and here every step. The loss's ``reduction`` says what its weighted sum is divided by;
    with "sum", loss over several batches is the mean of their sums.

    ``sample_weight`` (batch,) or (batch, steps), and ``class_weight`` {class: weight}, are weights in the loss; metrics
    count all valid rows alike. Raises `InputError` for layers, options and data that do not fit.
    """

    stop_training = False  # a callback sets it to end `fit` after the epoch

    def fit(
        self,
        x,
        y,
        batch_size=32,
        epochs=1,
        *,
        validation_data=None,
        validation_split=0.0,
        shuffle=True,
        sample_weight=None,
        class_weight=None,
        callbacks=(),
        initial_epoch=0,
        reset_every="never",
        truncate=None,
        loss_scope="new",
        activations="stale",
        update="pass",
        verbose=1,
    ):
        """Train on samples x with labels y up to the epoch ``epochs``, from ``initial_epoch``; returns a `History`.

        Every epoch goes through all samples in a new order, unless ``shuffle`` is off; the last batch may be short.
        Loss and metrics of the training data are means over the batches, each measured before its update.
        ``validation_data`` (x, y) or (x, y, sample_weight), or the last ``validation_split`` of the samples, is
        evaluated after each epoch. ``callbacks``: a list of `nr.callbacks`.
        ``verbose`` 1 shows progress, 2 a line an epoch, 0 nothing. A loss, gradient or moving average that is
        not finite ends the training with a warning: the history shows NaN, and the weights are those before that batch.

        ``reset_every`` says when stateful layers forget their states: before every "epoch", before every batch (each
        holds whole sequences: "sequence"), or "never". ``truncate`` (k1, k2) is truncated BPTT for losses at each step:
        a batch is gone through from its first step to its last, with a backward pass over k2 steps after every k1; for
        ``loss_scope`` and ``activations`` see `nr.truncated_bptt`. ``update`` the parameters after every "pass", or
        once after the "sequence", by the mean over the passes. Loss and metrics are then means over passes.
        """
        data, validation = self._fit_data(
            x, y, batch_size, sample_weight, class_weight, validation_data, validation_split
        )
        self._check_fit(epochs, initial_epoch, shuffle, reset_every)
        train_step = training_step(self, data, truncate, loss_scope, activations, update)
        names = [*self.metrics_names, *(f"val_{name}" for name in self.metrics_names if validation is not None)]
        callbacks = Callbacks(callbacks, self, {"epochs": epochs, "metrics": names})
        history, self.stop_training = History(), False
        callbacks.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            callbacks.on_epoch_begin(epoch)
            progress = Progress(f"epoch {epoch + 1}/{epochs}", len(data.y), batch_size, verbose)
            if reset_every == "epoch":
                self.reset_states()
            results = self._train_epoch(data, batch_size, shuffle, train_step, reset_every == "sequence", progress)
            finite = math.isfinite(results["loss"])
            if validation is not None:
                results |= {f"val_{name}": v for name, v in self._validate(validation, batch_size).items()}
            progress.finish(results)
            callbacks.on_epoch_end(epoch, results)
            history.append(epoch, results)
            if not finite:
                message = f"fit: stopped in epoch {epoch + 1}: the loss, a gradient or a moving average is not finite"
                warnings.warn(message, RuntimeWarning, stacklevel=2)
            if self.stop_training or not finite:
                break
        callbacks.on_train_end()
        return history

    def evaluate(self, x, y, batch_size=32, *, sample_weight=None, verbose=0, return_dict=False):
        """Loss and metrics on x and y: a list, the loss alone when there are no metrics, or {name: value}."""
        data = self._weighted_data("evaluate", x, y, sample_weight, batch_size=batch_size)
        if len(data.y) == 0:
            raise InputError("evaluate: expected at least one sample, got none")
        values = self._evaluate(data, batch_size, Progress("evaluate", len(data.y), batch_size, verbose))
        return values if return_dict else plain(values)

    def predict(self, x, batch_size=32, *, verbose=0):
        """The outputs for x, (batch, ...)."""
        x = self._inputs(x)
        self._expect_batches("predict", x, batch_size)
        progress, outputs = Progress("predict", len(x), batch_size, verbose), []
        for rows in batch_rows(len(x), batch_size):
            outputs.append(self._forward(x[rows]).output)
            progress.update(len(outputs[-1]), Means(()))
        progress.finish({})
        return np.concatenate(outputs)

    def save_training(self, path, epoch=0):
        """Write all that training goes on from to the file ``path``, whole or not at all: weights, the optimiser's
        memory, random generators, states of stateful layers, and ``epoch``, the number of epochs made.

        Not in it: layers, options, data, and what callbacks remember.
        """
        training_state.save(self, path, epoch)

    def load_training(self, path):
        """Read a file of `save_training` into a model made and compiled as that one was; returns its ``epoch``.

        ``model.fit(..., initial_epoch=model.load_training(path))`` then gives the bits of a training without a break.
        A file that does not fit changes nothing.
        """
        return training_state.load(self, path)

    def _train_epoch(self, data, batch_size, shuffle, train_step, reset, progress):
        """{name: mean} of loss and metrics over an epoch; a loss of NaN ends it."""
        order = self._shuffle_rng.permutation(len(data.y)) if shuffle else None
        means = self._means()
        for rows in batch_rows(len(data.y), batch_size, order):
            batch = data.rows(rows)
            if reset:
                self.reset_states()
            values, weights = train_step(batch)
            means.add(values, weights)
            progress.update(len(batch.y), means)
            if not math.isfinite(values[0]):
                break
        return means.values()

    def _evaluate(self, data, batch_size, progress):
        means = self._means()
        for rows in batch_rows(len(data.y), batch_size):
            batch = data.rows(rows)
            measured = self._measure(batch.y, self._forward(batch.x), batch.weights)
            means.add(measured.values, measured.weights)
            progress.update(len(batch.y), means)
        progress.finish(means.values())
        return means.values()

    def _validate(self, data, batch_size):
        """Like `_evaluate`; the states of stateful layers start anew and are afterwards what they were."""
        layers = self._stateful_layers()
        states = [layer.state for layer in layers]
        self.reset_states()
        try:
            return self._evaluate(data, batch_size, Progress("validate", len(data.y), batch_size, verbose=0))
        finally:
            for layer, state in zip(layers, states, strict=True):
                layer.state = state

    def _fit_data(self, x, y, batch_size, sample_weight, class_weight, validation_data, validation_split):
        """The checked `Data` of `fit`: to train on, and to validate on or None."""
        data, validation = self._weighted_data("fit", x, y, sample_weight, class_weight, batch_size), None
        if validation_split:
            if validation_data is not None:
                raise InputError("fit: expected validation_data or validation_split, got both")
            data, validation = split_validation(data, validation_split)
            for part in (data, validation):
                self._expect_batches("fit: validation_split", part.y, batch_size)
        if len(data.y) == 0:
            raise InputError("fit: expected at least one sample, got none")
        if validation_data is not None:
            if not isinstance(validation_data, tuple | list) or len(validation_data) not in (2, 3):
                got = type(validation_data).__name__
                raise InputError(
                    f"fit: expected validation_data to be a pair (x, y) or (x, y, sample_weight), got {got}"
                )
            validation = self._weighted_data("fit: validation_data", *validation_data, batch_size=batch_size)
            # what does not fit shows now, not after an epoch
            self._validate(validation.rows(slice(batch_size)), batch_size)
        return data, validation

    def _check_fit(self, epochs, initial_epoch, shuffle, reset_every):
        expect_positive("fit", "epochs", epochs)
        if not (initial_epoch == 0 or is_positive_integer(initial_epoch)) or initial_epoch > epochs:
            raise InputError(f"fit: expected initial_epoch to be an integer from 0 to {epochs}, got {initial_epoch!r}")
        if reset_every not in ("epoch", "never", "sequence"):
            raise InputError(f"fit: expected reset_every to be 'epoch', 'never' or 'sequence', got {reset_every!r}")
        if shuffle and reset_every != "sequence" and self._stateful_layers():
            raise InputError("fit: expected shuffle=False with stateful layers, whose batches go on from one another")
