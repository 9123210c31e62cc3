"""Inference: one step of a cell, a batch of predictions, and generation token by token."""

from functools import cache

import numpy as np

import numbarnn as nr

from .asv_settings import PLAIN, Timing, or_skip

TOKENS = 65


class Step(Timing):
    """`cell.step` of one row."""

    params = (PLAIN, (32, 128, 512))
    param_names = ("cell", "units")

    def setup(self, cell, units):
        with or_skip():
            self.cell = getattr(nr, cell)(units)
            self.params = self.cell.init_params(units, rng=0)
            self.x = np.ones((1, units), np.float32)
            self.state = self.cell.step(self.params, self.x, self.cell.zero_state(1))[1]

    def time_step(self, cell, units):
        self.cell.step(self.params, self.x, self.state)

    time_step.pretty_name = "A step of one row"


class PreparedStep(Timing):
    """`PreparedCell.step` of one row."""

    params = (PLAIN, (32, 128, 512))
    param_names = ("cell", "units")

    def setup(self, cell, units):
        with or_skip():
            made = getattr(nr, cell)(units)
            self.prepared = nr.prepare(made, made.init_params(units, rng=0))
            self.x = np.ones((1, units), np.float32)
            self.state = self.prepared.step(self.x)[1]

    def time_step(self, cell, units):
        self.prepared.step(self.x, self.state)

    time_step.pretty_name = "A step of one row, weights packed once"


@cache
def language_model():
    """Make two LSTM(256) over an embedding of 65 tokens."""
    with or_skip():
        layers = [
            nr.layers.Input((None,)),
            nr.layers.Embedding(TOKENS, 64),
            nr.layers.LSTM(256, return_sequences=True, stateful=True),
            nr.layers.LSTM(256, return_sequences=True, stateful=True),
            nr.layers.Dense(TOKENS),
        ]
        model = nr.Sequential(layers, seed=0)
        nr.generate(model, np.zeros((1, 4), int), 4, seed=0)
        return model


class Generate(Timing):
    """100 tokens of one text by two LSTM(256)."""

    repeat = (3, 20, 2.0)

    def setup(self):
        self.model = language_model()

    def time_100_tokens(self):
        nr.generate(self.model, np.zeros((1, 4), int), 100, seed=0)

    time_100_tokens.pretty_name = "Generation"


@cache
def classifier():
    """Make LSTM(64) over 28 rows of 28 pixels."""
    with or_skip():
        model = nr.Sequential(
            [nr.layers.Input((28, 28)), nr.layers.LSTM(64), nr.layers.Dense(10, activation="softmax")], seed=0
        )
        x = np.random.default_rng(0).standard_normal((1024, 28, 28), np.float32)
        model.predict(x, batch_size=128, verbose=0)
        return model, x


class Predict(Timing):
    """`predict` of 1,024 images by LSTM(64), in batches of 128."""

    def setup(self):
        self.model, self.x = classifier()

    def time_predict(self):
        self.model.predict(self.x, batch_size=128, verbose=0)

    time_predict.pretty_name = "Predictions"
