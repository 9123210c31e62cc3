"""A small problem and small models for the tests of the trainer."""

import numpy as np
from numpy.testing import assert_array_equal

from numbarnn import Sequential
from numbarnn.layers import Dense, Dropout, Input, SimpleRNN
from numbarnn.losses import SparseCategoricalCrossentropy

LOGITS = SparseCategoricalCrossentropy(from_logits=True)


def data(samples=50, seed=0):
    """Sequences (samples, 6, 2); the mean of their first feature is low (0), middling (1) or high (2)."""
    x = np.random.default_rng(seed).standard_normal((samples, 6, 2)).astype("float32")
    return x, np.digitize(x[:, :, 0].mean(axis=1), [-0.176, 0.176])


def classifier(*before_last, last=None, loss=LOGITS, optimizer="adam", metrics=("accuracy",), **options):
    layers = before_last or (SimpleRNN(8), Dropout(0.1))
    model = Sequential([Input((6, 2)), *layers, last or Dense(3)], **options)
    model.compile(optimizer, loss, metrics)
    return model


def fit(model, *arrays, **options):
    return model.fit(*arrays, **{"verbose": 0, "batch_size": 8} | options)


def assert_same_weights(a, b):
    for name in a.weights:
        assert_array_equal(a.weights[name], b.weights[name], err_msg=name)


X, Y = data(20)
