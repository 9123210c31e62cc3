"""`Model(inputs, outputs)` is the `Sequential` of its layers."""

import numpy as np
import pytest

import numbarnn as nr
from numbarnn.layers import Activation, Dense, Input, SimpleRNN


def classifier():
    """As the notebook writes it."""
    inputs = Input(shape=(8, 8))
    hidden = SimpleRNN(12, activation="relu")(inputs)
    outputs = Activation("softmax")(Dense(10)(hidden))
    return nr.Model(inputs=inputs, outputs=outputs, seed=1)


def test_a_model_computes_and_trains_as_the_sequential_of_its_layers():
    layers = [Input((8, 8)), SimpleRNN(12, activation="relu"), Dense(10), Activation("softmax")]
    models = classifier(), nr.Sequential(layers, seed=1, name="model")
    (x, y), _ = nr.datasets.digits()
    lines = [], []
    for model, printed in zip(models, lines, strict=True):
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x[:200], y[:200], verbose=0)
        model.summary(printed.append)
    assert np.array_equal(models[0].predict(x[:50]), models[1].predict(x[:50]))
    assert lines[0] == lines[1]


def test_a_layer_called_on_numbers_still_computes():
    assert Dense(3)(np.ones((2, 4), "float32")).shape == (2, 3)


def test_a_model_is_no_layer():
    chain = nr.Sequential([Input((5, 3)), Dense(2)], name="chain")
    graph = nr.Model(chain.input, chain.output, name="graph")
    for model in (chain, graph):
        expected = rf"{model.name}: a model is no layer, .*nr\.Model\(model\.input, head\(model\.output\)\)"
        with pytest.raises(nr.InputError, match=expected):
            model(Input((5, 3)))


def test_what_does_not_come_from_the_input_is_refused():
    inputs, hidden = Input((8, 8)), SimpleRNN(3)
    with pytest.raises(nr.InputError, match=r"Model: expected inputs to be an Input, got SimpleRNN"):
        nr.Model(hidden, Dense(2)(hidden(inputs)))
    with pytest.raises(nr.InputError, match=r"Model: expected outputs of layers that were called on an Input.*Dense"):
        nr.Model(inputs, Dense(2))
    with pytest.raises(nr.InputError, match=r"simple_rnn reads Input\(\(8, 8\)\), which is not among them"):
        nr.Model(inputs, SimpleRNN(3)(Input((8, 8))))
