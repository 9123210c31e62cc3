"""`Trainable`: a chain of layers with an optimiser, a loss and metrics, and what happens to one batch."""

import math
from dataclasses import replace

import numpy as np

from .. import losses, optimizers
from .. import metrics as known_metrics
from ..errors import InputError
from ..layers.base import is_positive_integer
from ..losses.evaluation import measure
from ..models.layer_stack import Chain
from ..ops.sum_of_squares import squares_by_name
from . import sample_weights
from .batches import Data, Means
from .forward_pass import forward


class Trainable(Chain):
    """The part of `Sequential` that knows one batch alone."""

    loss = None
    _fused_loss = None

    def compile(self, optimizer="rmsprop", loss=None, metrics=()):
        """Choose an optimiser, a loss and a list of metrics, by name or as objects (metrics: as functions)."""
        optimizer, loss = optimizers.get(optimizer), losses.get(loss)
        self.metrics = known_metrics.by_name(metrics, loss)
        self.optimizer, self.loss = optimizer, loss

    @property
    def metrics_names(self):
        """Names of what `evaluate` returns."""
        return ["loss", *self.metrics]

    def train_on_batch(self, x, y, sample_weight=None, class_weight=None):
        """One update from one batch; returns loss and metrics before it as `evaluate` does. NaN loss: no update."""
        data = self._weighted_data("train_on_batch", x, y, sample_weight, class_weight)
        return self._shown(self._train_step(data)[0])

    def test_on_batch(self, x, y, sample_weight=None):
        """Loss and metrics on one batch, as `evaluate` returns them."""
        data = self._weighted_data("test_on_batch", x, y, sample_weight)
        return self._shown(self._measure(data.y, self._forward(data.x), data.weights).values)

    def _train_step(self, batch):
        """Forward, backward, update. Returns the values before it and their weights; a NaN loss: no update."""
        with np.errstate(all="ignore"):
            run = self._forward(batch.x, training=True)
            values, weights, gradient, options = self._measure(batch.y, run, batch.weights)
            if math.isfinite(values[0]) and not self._update(run.backward(gradient, **options), run.updates):
                values[0] = math.nan
        return values, weights

    def _update(self, gradients, updates=None):
        """Change the parameters by the gradients of the loss, and non-trainable weights to the values of ``updates``;
        where either is not finite nothing changes, which the result says."""
        updates = updates or {}
        for name, regularizer in self.regularizers.items():
            gradients[name] = gradients[name] + regularizer.gradient(self.params[name])
        squares = squares_by_name(gradients)
        if not all(math.isfinite(square) or all_finite(gradients[name]) for name, square in squares.items()):
            return False  # a sum of squares that is infinite may only have overflowed
        if not all(map(all_finite, updates.values())):
            return False
        self.optimizer.apply(self.params, gradients, squares)
        for name, constraint in self.constraints.items():
            self.params[name][...] = constraint(self.params[name])
        for name, new in updates.items():
            self.weights[name][...] = new
        return True

    def _forward(self, x, training=False):
        """The pass of a batch; only in training it keeps what the gradient needs."""
        with np.errstate(all="ignore"):
            return forward(self.layers, x, training, self._dropout_rng)

    def _measure(self, y, run, weights=None):
        """The `Measured` of a pass, with all penalties in the loss; its gradient leaves those of parameters out."""
        loss, fused = self._fused_loss or self.loss, self._fused_loss is not None
        measured = measure(run, y, loss, self.metrics.values(), fused, weights)
        measured.values[0] += run.penalty + sum(r(self.params[name]) for name, r in self.regularizers.items())
        return measured

    def _weighted_data(self, caller, x, y, sample_weight=None, class_weight=None, batch_size=None):
        x, y = self._data(caller, x, y, batch_size)
        return Data(x, y, sample_weights.checked(caller, y, sample_weight, class_weight, self.loss, self.dtype))

    def _data(self, caller, x, y, batch_size=None):
        """x and y as arrays of equally many samples, for a compiled and built model."""
        if self.loss is None:
            raise InputError(f"{caller}: the model needs compile(optimizer, loss) first")
        x, y = self._inputs(x), np.asarray(y)
        if y.ndim == 0 or len(x) != len(y):
            raise InputError(f"{caller}: expected as many labels as samples, {len(x)}, got labels of shape {y.shape}")
        self._expect_batches(caller, x, len(x) or 1 if batch_size is None else batch_size)
        self._fused_loss = self._loss_of_pre_activation()
        return x, y

    def _loss_of_pre_activation(self):
        """The loss as a function of what the last softmax or sigmoid is applied to; None where it cannot be."""
        last, loss = self.layers[-1], self.loss
        matches = last.last_activation is not None and last.last_activation == loss.activation
        as_given = loss.from_logits or loss.legacy_clip or last.activity_regularizer
        return replace(loss, from_logits=True) if matches and not as_given else None

    def _means(self):
        of_mean = {name: metric.of_mean for name, metric in self.metrics.items() if hasattr(metric, "of_mean")}
        return Means(self.metrics_names, of_mean)

    def _shown(self, values):
        """Values of one batch as `evaluate` returns them."""
        return plain(self._means().shown(values))

    def _expect_batches(self, caller, x, batch_size):
        expect_positive(caller, "batch_size", batch_size)
        if len(x) % batch_size and self._stateful_layers():
            raise InputError(f"{caller}: stateful layers expect whole batches of {batch_size}, got {len(x)} samples")


def all_finite(array):
    return np.isfinite(array).all()


def plain(values):
    """{name: value} as the list that Keras returns: the loss alone when there are no metrics."""
    values = list(values.values())
    return values if len(values) > 1 else values[0]


def expect_positive(caller, name, value):
    if not is_positive_integer(value):
        raise InputError(f"{caller}: expected {name} to be a positive integer, got {value!r}")
