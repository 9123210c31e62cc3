"""What the estimators share: their options, the model and its training."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from .. import layers
from ..callbacks import Callback
from ..cells import CELLS
from ..errors import InputError
from ..models.sequential import Sequential
from ..optimizers import Adam, Schedule
from ..utils.padded import values_and_mask
from .sequences import sequences

LAYERS = {"SimpleRNN": layers.SimpleRNN, "LSTM": layers.LSTM, "GRU": layers.GRU}
Build = Callable[[int, int], Sequence[layers.Layer]]


class RNNEstimator(BaseEstimator):
    """Base class of the estimators: a recurrent layer and a dense one behind its last output, trained by Adam.

    Parameters
    ----------
    layer : str or callable, default "LSTM"
        "SimpleRNN", "LSTM" or "GRU"; a plain cell of `nr.cells`, such as "NASCell"; or a function
        ``(n_features, n_outputs) -> layers`` of all layers, without an `Input`, which takes the place of ``units`` too.
        The last one has outputs of shape (samples, n_outputs).
    units : int, default 32
        Width of the recurrent layer.
    epochs : int, default 20
        Number of epochs.
    batch_size : int, default 32
        Samples per update.
    learning_rate : float or Schedule, default 0.001
        Learning rate of `nr.optimizers.Adam`.
    validation_fraction : float, default 0.0
        Share of the samples, in [0, 1), to measure after each epoch instead of training on them.
    callbacks : sequence of Callback, default ()
        Such as ``[EarlyStopping(patience=3, restore_best_weights=True)]`` with a ``validation_fraction``; `fit` works
        with copies.
    random_state : int, RandomState or None, default None
        Decides all that is random in `fit`: weights, order of the samples, share for validation, dropout.
    device : str, default "cpu"
        The engine of the recurrent layers, see `nr.forward`.
    verbose : {0, 1, 2}, default 0
        0: silent; 1: progress; 2: one line per epoch.

    Raises
    ------
    InputError
        In `fit`, if an option is unknown or out of its range.
    """

    def __init__(
        self,
        layer: str | Build = "LSTM",
        units: int = 32,
        *,
        epochs: int = 20,
        batch_size: int = 32,
        learning_rate: float | Schedule = 0.001,
        validation_fraction: float = 0.0,
        callbacks: Sequence[Callback] = (),
        random_state: int | np.random.RandomState | None = None,
        device: str = "cpu",
        verbose: int = 0,
    ) -> None:
        self.layer = layer
        self.units = units
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation_fraction = validation_fraction
        self.callbacks = callbacks
        self.random_state = random_state
        self.device = device
        self.verbose = verbose

    def _train(self, x, y, n_outputs, loss, sample_weight=None, metrics=(), **split):
        """Make a model and train it; ``split`` says how `train_test_split` takes samples for validation."""
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        model = self._model(values_and_mask(x)[0].shape[2], n_outputs, seed)
        model.compile(Adam(self.learning_rate), loss, metrics)
        weights = None if sample_weight is None else np.asarray(sample_weight)
        check_consistent_length(x, y, weights)
        if weights is not None and not weights.any():
            raise InputError(f"{type(self).__name__}: expected some sample_weight above zero, got zeros")
        options: dict[str, Any] = {"sample_weight": weights}
        if self.validation_fraction:
            share = {"test_size": self.validation_fraction, "random_state": seed}
            train, test = train_test_split(np.arange(len(y)), **(share | split))
            of = lambda rows: (x[rows], y[rows], None if weights is None else weights[rows])  # noqa: E731
            options = {"validation_data": of(test)}
            x, y, options["sample_weight"] = of(train)
        listeners = copy.deepcopy(list(self.callbacks))
        history = model.fit(x, y, self.batch_size, self.epochs, callbacks=listeners, verbose=self.verbose, **options)
        self.model_, self.history_, self.n_iter_ = model, history.history, len(history.epoch)
        return self

    def _model(self, n_features, n_outputs, seed):
        inputs = layers.Input((None, n_features))
        model = Sequential([inputs, *self._layers(n_features, n_outputs)], seed=seed, device=self.device)
        if model.output_shape != (None, n_outputs):
            expected = f"layers with outputs of shape (None, {n_outputs})"
            raise InputError(f"{type(self).__name__}: expected {expected}, got {model!r} with {model.output_shape}")
        return model

    def _layers(self, n_features, n_outputs):
        if callable(self.layer):
            return self.layer(n_features, n_outputs)
        name = str(self.layer)
        if name in LAYERS:
            return LAYERS[name](self.units), layers.Dense(n_outputs)
        if name in CELLS:
            return layers.RNN(CELLS[name](self.units)), layers.Dense(n_outputs)
        expected = f"layer to be a function or one of {', '.join([*LAYERS, *CELLS])}"
        raise InputError(f"{type(self).__name__}: expected {expected}, got {self.layer!r}")

    def _outputs(self, X):
        """Return the outputs of the trained model in float64."""
        check_is_fitted(self)
        return self.model_.predict(sequences(self, X), self.batch_size).astype(np.float64)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags
