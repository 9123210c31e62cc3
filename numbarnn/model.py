"""`Sequential`: a chain of layers, its training and its use."""

import math
import warnings

import numpy as np

from . import losses, metrics, optimizers
from .batches import Means, batch_rows, split_validation
from .chain import Chain
from .chain_pass import forward
from .errors import InputError
from .history import History
from .layers.base import is_positive_integer
from .measure import measure
from .progress import Progress


class Sequential(Chain):
    """Layers one after another, with training as Keras has it.

    ``seed`` decides everything random (initial weights, shuffling, dropout): the same seed, data and calls give the
    same bits. ``dtype``: "float32" or "float64". ``device``: where the recurrent layers run, see `nr.forward`.

    The loss holds the penalties of all regularisers, in `evaluate` too. Where a mask (of `Masking`, or `Embedding` with
    mask_zero) reaches the output, loss and metrics are means over the valid steps, which come as rows (steps, outputs)
    with their labels; nothing else is looked at. So does Keras, except that in its mean of the loss over batches every
    sample has the same weight, and here every step.
    Raises `InputError` for layers, options and data that do not fit.
    """

    loss = None
    _fused_loss = None

    def compile(self, optimizer="rmsprop", loss=None, metrics=()):
        """Choose an optimiser, a loss and a list of metrics, by name or as objects (metrics: as functions)."""
        if isinstance(metrics, str):
            raise InputError(f"compile: expected a list of metrics, got {metrics!r}")
        optimizer, loss = optimizers.get(optimizer), losses.get(loss)
        self.metrics = dict(_metric(m, loss) for m in metrics)
        self.optimizer, self.loss = optimizer, loss

    @property
    def metrics_names(self):
        """Names of what `evaluate` returns."""
        return ["loss", *self.metrics]

    def fit(
        self, x, y, batch_size=32, epochs=1, *, validation_data=None, validation_split=0.0, shuffle=True, verbose=1
    ):
        """Train on samples x with labels y for a number of epochs; returns a `History`.

        Every epoch goes through all samples in a new order, unless ``shuffle`` is off; the last batch may be short.
        Loss and metrics of the training data are means over the batches, each measured before its update.
        ``validation_data`` (x, y), or the last ``validation_split`` of the samples, is evaluated after each epoch.
        ``verbose`` 1 shows progress, 2 a line an epoch, 0 nothing. A loss or gradient that is not finite ends the
        training with a warning: the history shows NaN, and the weights are those before that batch.
        """
        (x, y), validation = self._fit_data(x, y, batch_size, epochs, validation_data, validation_split, shuffle)
        history = History()
        for epoch in range(epochs):
            order = self._shuffle_rng.permutation(len(x)) if shuffle else None
            progress = Progress(f"epoch {epoch + 1}/{epochs}", len(x), batch_size, verbose)
            means = Means(self.metrics_names)
            for rows in batch_rows(len(x), batch_size, order):
                batch = x[rows]
                values, weight = self._train_step(batch, y[rows])
                means.add(values, weight)
                progress.update(len(batch), means)
                if not math.isfinite(values[0]):
                    break
            results = means.values()
            if validation is not None:
                results |= {f"val_{name}": v for name, v in self._validate(*validation, batch_size).items()}
            progress.finish(results)
            history.append(results)
            if not math.isfinite(values[0]):
                message = f"fit: stopped in epoch {epoch + 1}: the loss or a gradient is not finite"
                warnings.warn(message, RuntimeWarning, stacklevel=2)
                break
        return history

    def evaluate(self, x, y, batch_size=32, *, verbose=0, return_dict=False):
        """Loss and metrics on x and y: a list, the loss alone when there are no metrics, or {name: value}."""
        x, y = self._data("evaluate", x, y, batch_size)
        if len(x) == 0:
            raise InputError("evaluate: expected at least one sample, got none")
        values = self._evaluate(x, y, batch_size, Progress("evaluate", len(x), batch_size, verbose))
        return values if return_dict else _plain(list(values.values()))

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

    def train_on_batch(self, x, y):
        """One update from one batch; returns loss and metrics before it as `evaluate` does. NaN loss: no update."""
        x, y = self._data("train_on_batch", x, y)
        return _plain(self._train_step(x, y)[0])

    def test_on_batch(self, x, y):
        """Loss and metrics on one batch, as `evaluate` returns them."""
        x, y = self._data("test_on_batch", x, y)
        return _plain(self._measure(y, self._forward(x)).values)

    def _train_step(self, x, y):
        """Forward, backward, update. Returns the values before it and their weight; a NaN loss: nothing was updated."""
        with np.errstate(all="ignore"):
            run = forward(self.layers, x, True, self._dropout_rng)
            values, weight, gradient, options = self._measure(y, run)
            if not math.isfinite(values[0]):
                return values, weight
            gradients = run.backward(gradient, **options)
            for name, regularizer in self.regularizers.items():
                gradients[name] = gradients[name] + regularizer.gradient(self.params[name])
            if all(np.isfinite(g).all() for g in gradients.values()):
                self.optimizer.apply(self.params, gradients)
                for name, constraint in self.constraints.items():
                    self.params[name][...] = constraint(self.params[name])
            else:
                values[0] = math.nan
        return values, weight

    def _forward(self, x):
        """The pass outside training."""
        with np.errstate(all="ignore"):
            return forward(self.layers, x)

    def _measure(self, y, run):
        """The `Measured` of a pass, with all penalties in the loss; its gradient leaves those of parameters out."""
        loss, fused = self._fused_loss or self.loss, self._fused_loss is not None
        measured = measure(run, y, loss, self.metrics.values(), fused)
        measured.values[0] += run.penalty + sum(r(self.params[name]) for name, r in self.regularizers.items())
        return measured

    def _evaluate(self, x, y, batch_size, progress):
        means = Means(self.metrics_names)
        for rows in batch_rows(len(x), batch_size):
            values, weight, *_ = self._measure(y[rows], self._forward(x[rows]))
            means.add(values, weight)
            progress.update(len(x[rows]), means)
        progress.finish(means.values())
        return means.values()

    def _validate(self, x, y, batch_size):
        """Like `_evaluate`; the states of stateful layers start anew and are afterwards what they were."""
        layers = self._stateful_layers()
        states = [layer.state for layer in layers]
        self.reset_states()
        try:
            return self._evaluate(x, y, batch_size, Progress("validate", len(x), batch_size, verbose=0))
        finally:
            for layer, state in zip(layers, states, strict=True):
                layer.state = state

    def _fit_data(self, x, y, batch_size, epochs, validation_data, validation_split, shuffle):
        """The checked arguments of `fit`: (x, y) to train on, and (x, y) to validate on or None."""
        _expect_positive("fit", "epochs", epochs)
        x, y = self._data("fit", x, y, batch_size)
        if shuffle and self._stateful_layers():
            raise InputError("fit: expected shuffle=False with stateful layers, whose batches go on from one another")
        if validation_split:
            if validation_data is not None:
                raise InputError("fit: expected validation_data or validation_split, got both")
            (x, y), validation_data = split_validation(x, y, validation_split)
        if len(x) == 0:
            raise InputError("fit: expected at least one sample, got none")
        if validation_data is not None:
            if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
                got = type(validation_data).__name__
                raise InputError(f"fit: expected validation_data to be a pair (x, y), got {got}")
            validation_data = self._data("fit: validation_data", *validation_data, batch_size)
            # what does not fit shows now, not after an epoch
            self._validate(*(part[:batch_size] for part in validation_data), batch_size)
        return (x, y), validation_data

    def _data(self, who, x, y, batch_size=None):
        """x and y as arrays of equally many samples, for a compiled and built model."""
        if self.loss is None:
            raise InputError(f"{who}: the model needs compile(optimizer, loss) first")
        x, y = self._inputs(x), np.asarray(y)
        if y.ndim == 0 or len(x) != len(y):
            raise InputError(f"{who}: expected as many labels as samples, {len(x)}, got labels of shape {y.shape}")
        self._expect_batches(who, x, len(x) or 1 if batch_size is None else batch_size)
        self._fused_loss = self._loss_of_pre_activation()
        return x, y

    def _loss_of_pre_activation(self):
        """The loss as a function of what the last softmax or sigmoid is applied to; None where it cannot be."""
        last, loss = self.layers[-1], self.loss
        matches = last.last_activation is not None and last.last_activation == loss.activation
        as_given = loss.from_logits or loss.legacy_clip or last.activity_regularizer
        return type(loss)(from_logits=True) if matches and not as_given else None

    def _expect_batches(self, who, x, batch_size):
        _expect_positive(who, "batch_size", batch_size)
        if len(x) % batch_size and self._stateful_layers():
            raise InputError(f"{who}: stateful layers expect whole batches of {batch_size}, got {len(x)} samples")


def _metric(metric, loss):
    return metrics.get(metric, loss)


def _expect_positive(who, name, value):
    if not is_positive_integer(value):
        raise InputError(f"{who}: expected {name} to be a positive integer, got {value!r}")


def _plain(values):
    """The list as Keras returns it: the loss alone when there are no metrics."""
    return values if len(values) > 1 else values[0]
