"""Batches in parts: `fit(accumulate=...)` does what it does with the whole batch."""

import tracemalloc

import numpy as np
import pytest
from helpers.toy import X, Y, assert_same_weights, classifier, data, fit
from numpy.testing import assert_allclose

import numbarnn as nr
from numbarnn import losses
from numbarnn.errors import InputError
from numbarnn.layers import (
    GRU,
    LSTM,
    RNN,
    BatchNormalization,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Input,
    Masking,
    SimpleRNN,
    TimeDistributed,
)

EXACT = {"rtol": 1e-11, "atol": 1e-13}


def compiled(layers, loss, **options):
    model = nr.Sequential(layers, dtype="float64", device="numpy", seed=3)
    model.compile(nr.optimizers.Adam(0.01, clip_global_norm=0.05), loss, **options)
    return model


def masked(reduction):
    """Masks, and everything that is drawn at random for each row."""
    cell = nr.DropoutWrapper(nr.LSTMCell(3), input_keep_prob=0.7, output_keep_prob=0.8, state_keep_prob=0.9)
    layers = [
        Input((5, 3)),
        Masking(),
        Dropout(0.3),
        GRU(4, dropout=0.2, recurrent_dropout=0.2, return_sequences=True),
        TimeDistributed(Dropout(0.2)),
        RNN(nr.ZoneoutWrapper(nr.LSTMCell(3), zoneout_h=0.2, zoneout_c=0.1), return_sequences=True),
        RNN(cell, return_sequences=True),
        Bidirectional(SimpleRNN(3, return_sequences=True, kernel_regularizer="l2")),
        Dense(3),
    ]
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, reduction=reduction)
    return compiled(layers, loss, metrics=["accuracy", "perplexity", nr.metrics.F1()])


def sequences(rows=23):
    """(x, y), with steps that Masking hides: of some rows all, of the first part many."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((rows, 5, 3)), rng.integers(0, 3, (rows, 5))
    hidden = rng.random((rows, 5)) < np.linspace(0.9, 0.1, rows)[:, None]
    x[hidden] = 0
    return x, y


def assert_same_training(train, parts):
    """Compare whole batches with parts: every gradient of every update, weights, history and generator."""
    found = []
    for accumulate in (1, parts):
        gradients = []

        def keep(named, gradients=gradients):
            gradients.append({name: g.copy() for name, g in named.items()})
            return named

        model = train(accumulate=accumulate, gradient_transform=keep, verbose=0)
        found.append((model, gradients))
    (whole, of_whole), (model, of_parts) = found
    assert len(of_whole) == len(of_parts) > 0
    for a, b in zip(of_whole, of_parts, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            assert_allclose(b[name], a[name], **EXACT, err_msg=name)
    for name, w in whole.weights.items():
        assert_allclose(model.weights[name], w, **EXACT, err_msg=name)
    for name, values in whole.history.history.items():
        assert_allclose(model.history.history[name], values, **EXACT, err_msg=name)
    assert model._dropout_rng.bit_generator.state == whole._dropout_rng.bit_generator.state
    return whole, model


@pytest.mark.parametrize(("reduction", "parts"), [("mean_valid", 2), ("mean_valid", 100), ("mean_all", 3), ("sum", 4)])
def test_masks_weights_and_dropout_are_those_of_the_batch(reduction, parts):
    x, y = sequences()
    weights = np.random.default_rng(1).random(y.shape)

    def train(**options):
        model = masked(reduction)
        model.fit(x, y, batch_size=10, epochs=2, sample_weight=weights, **options)
        return model

    assert_same_training(train, parts)


def test_a_part_without_a_valid_step():
    x, y = sequences(8)
    x[:4] = 0

    def train(**options):
        model = masked("mean_valid")
        model.fit(x, y, batch_size=8, shuffle=False, **options)
        return model

    assert_same_training(train, 2)


@pytest.mark.parametrize("parts", [3, 100])
def test_several_outputs_and_penalties_on_activities(parts):
    x, y = sequences()
    targets = np.random.default_rng(2).standard_normal((23, 2))

    def train(**options):
        given = Input((5, 3), name="x")
        steps = LSTM(4, return_sequences=True, activity_regularizer=nr.regularizers.L2(0.3))(Masking()(given))
        labels, mean = Dense(3, name="labels")(steps), Dense(2, name="mean")(GRU(3)(steps))
        model = nr.Model(given, [labels, mean], dtype="float64", device="numpy", seed=2)
        of_labels = losses.SparseCategoricalCrossentropy(from_logits=True)
        metrics = {"labels": ["accuracy", "f1"], "mean": ["mae"]}
        model.compile("sgd", [of_labels, losses.MeanSquaredError(reduction="sum")], metrics, loss_weights=[0.7, 2.0])
        model.fit(x, [y, targets], batch_size=10, epochs=2, **options)
        return model

    assert_same_training(train, parts)


@pytest.mark.filterwarnings("ignore:bidirectional")
def test_stateful_layers_keep_the_states_of_all_rows():
    x, y = sequences(24)

    def train(**options):
        recurrent = LSTM(4, return_sequences=True, stateful=True)
        layers = [Input((5, 3)), Bidirectional(recurrent), GRU(3, return_sequences=True, stateful=True), Dense(3)]
        model = compiled(layers, losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(x, y, batch_size=8, epochs=2, shuffle=False, **options)
        return model

    whole, parts = assert_same_training(train, 3)
    for a, b in zip(whole.layers[0].state, parts.layers[0].state, strict=True):
        for left, right in zip(a, b, strict=True):
            assert left.shape == (8, 4)
            assert_allclose(right, left, **EXACT)
    assert_allclose(parts.layers[1].state[0], whole.layers[1].state[0], **EXACT)


def test_sequences_of_different_lengths():
    rng = np.random.default_rng(4)
    tokens = [rng.integers(1, 9, n) for n in rng.integers(0, 7, 30)]
    labels = rng.integers(0, 2, 30)

    def train(**options):
        layers = [Input((None,)), Embedding(9, 4, mask_zero=True), Dropout(0.2), LSTM(4), Dense(2)]
        model = compiled(layers, losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(tokens, labels, batch_size=8, class_weight={0: 0.3}, **options)
        return model

    assert_same_training(train, 3)


def test_an_encoder_decoder_and_a_stream_of_batches():
    rng = np.random.default_rng(5)
    sources, targets = ([rng.integers(1, 6, n) for n in rng.integers(1, 6, 12)] for _ in range(2))

    def train(**options):
        model = nr.EncoderDecoder(
            [Input((None,)), Embedding(6, 3), GRU(4)],
            [Embedding(6, 3), GRU(4, return_sequences=True, dropout=0.2), Dense(6)],
            start=0,
            dtype="float64",
            device="numpy",
        )
        model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"])
        model.fit(iter([(sources[:5], targets[:5]), (sources[5:], targets[5:])]), **options)
        return model

    assert_same_training(train, 4)


def test_a_number_in_one_part_that_is_not_finite_stops_the_batch():
    x, y = X.copy(), Y
    x[17] = np.nan
    model = classifier(device="numpy")
    before = model.get_weights()
    with pytest.warns(RuntimeWarning, match=r"x\[17, 0, 0\]"):
        history = fit(model, x, y, batch_size=20, accumulate=3, shuffle=False)
    assert np.isnan(history.history["loss"][0])
    for a, b in zip(before, model.get_weights(), strict=True):
        assert (a == b).all()


def test_what_is_raised_in_a_part_leaves_states_and_generator_as_they_were():
    class Failing(Dropout):
        calls = 0

        def forward(self, x, training=False, rng=None, mask=None):
            Failing.calls += training
            if Failing.calls == 5:
                raise KeyboardInterrupt
            return super().forward(x, training, rng, mask)

    x, y = data(8)
    model, other = (classifier(SimpleRNN(4, stateful=True), Failing(0.2), device="numpy") for _ in range(2))
    with pytest.raises(KeyboardInterrupt):
        fit(model, x, y, accumulate=3, epochs=2, shuffle=False)
    fit(other, x, y, accumulate=3, shuffle=False)
    assert_same_weights(model, other)
    assert (model.layers[0].state[0] == other.layers[0].state[0]).all()
    assert model._dropout_rng.bit_generator.state == other._dropout_rng.bit_generator.state


def test_a_part_at_a_time_needs_less_memory():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((64, 20, 8)).astype("float32"), rng.integers(0, 3, 64)

    def peak(accumulate):
        model = nr.Sequential([Input((20, 8)), LSTM(32), Dense(3)], device="numpy")
        model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True))
        tracemalloc.start()
        model.fit(x, y, batch_size=64, accumulate=accumulate, verbose=0)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(4) < peak(1) / 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"accumulate": 0}, "accumulate to be a positive integer, got 0"),
        ({"accumulate": True}, "accumulate to be a positive integer, got True"),
        ({"accumulate": 2, "truncate": (2, 2)}, "accumulate or truncate, got both"),
    ],
)
def test_what_is_refused(options, message):
    model = nr.Sequential([Input((5, 3)), LSTM(4, return_sequences=True), Dense(3)], device="numpy")
    model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(InputError, match=message):
        model.fit(*sequences(), verbose=0, **options)


def test_layers_that_look_at_the_whole_batch_are_refused():
    model = classifier(SimpleRNN(4), BatchNormalization(), device="numpy")
    with pytest.raises(InputError, match="layers that treat each row alone, got batch_normalization"):
        fit(model, X, Y, accumulate=2)
    # frozen ones keep their averages
    model.layers[1].trainable = False
    fit(model, X, Y, accumulate=2)
