import numpy as np
import pytest
from helpers.toy import LOGITS, X, Y, assert_same_weights, classifier, data, fit
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn import Sequential
from numbarnn.layers import (
    GRU,
    LSTM,
    Activation,
    Dense,
    Dropout,
    Embedding,
    Input,
    RepeatVector,
    SimpleRNN,
    TimeDistributed,
)
from numbarnn.losses import BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy
from numbarnn.optimizers import SGD, Adam


@pytest.mark.parametrize("layer", [SimpleRNN, LSTM, GRU])
def test_fit_learns(layer):
    model = classifier(layer(8), optimizer=Adam(0.02))
    history = fit(model, *data(200), epochs=15, validation_data=data(100, seed=1))
    assert history.epoch == list(range(15))
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert all(len(values) == 15 for values in history.history.values())
    assert history.history["val_accuracy"][-1] > 0.8 > 0.65 > history.history["accuracy"][0]
    loss, accuracy = model.evaluate(*data(100, seed=1), batch_size=8)
    assert (loss, accuracy) == (history.history["val_loss"][-1], history.history["val_accuracy"][-1])
    predicted = model.predict(data(100, seed=1)[0])
    assert predicted.shape == (100, 3) and predicted.dtype == "float32"
    assert_allclose((predicted.argmax(axis=1) == data(100, seed=1)[1]).mean(), accuracy)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_seed_same_bits(dtype):
    models = [classifier(dtype=dtype, seed=seed) for seed in (4, 4, 5)]
    histories = [fit(model, *data(), epochs=2, validation_split=0.2).history for model in models]
    assert histories[0] == histories[1] != histories[2]
    assert_same_weights(models[0], models[1])
    assert all(array.dtype == dtype for array in models[0].params.values())
    assert np.any(models[0].params["simple_rnn/kernel"] != models[2].params["simple_rnn/kernel"])


def test_two_calls_of_fit_shuffle_differently():
    """The second epoch has another order than the first, in one call of fit or in two."""
    once, twice = classifier(), classifier()
    fit(once, *data(), epochs=2)
    fit(twice, *data())
    fit(twice, *data())
    assert_same_weights(once, twice)


def test_shuffle_keeps_samples_and_labels_together():
    seen = []

    def record(y_true, y_pred):
        seen.append(y_true.copy())
        return 0.0

    x, y = data(20)
    fit(classifier(metrics=[record]), x, y, epochs=2)
    assert [len(part) for part in seen] == [8, 8, 4] * 2
    first, second = np.concatenate(seen[:3]), np.concatenate(seen[3:])
    assert sorted(first) == sorted(second) == sorted(y)
    assert np.any(first != second) and np.any(first != y)
    seen.clear()
    fit(classifier(metrics=[record]), x, y, shuffle=False)
    assert_array_equal(np.concatenate(seen), y)
    x = np.repeat(np.arange(40.0)[:, None], 3, axis=1)
    model = Sequential([Dense(1, kernel_initializer="zeros")])
    model.compile(SGD(0.0), "mse", ["mse"])
    assert fit(model, x, x[:, :1]).history["loss"][0] == pytest.approx(np.mean(np.arange(40.0) ** 2))


def test_validation_split_takes_the_last_samples():
    x, y = data(50)
    split, explicit = classifier(), classifier()
    a = fit(split, x, y, epochs=2, validation_split=0.2)
    b = fit(explicit, x[:40], y[:40], epochs=2, validation_data=(x[40:], y[40:]))
    assert a.history == b.history
    assert_same_weights(split, explicit)


def test_training_values_are_measured_before_the_update():
    model = classifier(SimpleRNN(8))
    x, y = data(30)
    before = model.evaluate(x, y, batch_size=30)
    history = fit(model, x, y, batch_size=30, epochs=2)
    assert_allclose([history.history["loss"][0], history.history["accuracy"][0]], before, rtol=1e-6)
    assert history.history["loss"][1] < before[0]
    assert model.train_on_batch(x, y)[0] < history.history["loss"][1]


def test_means_have_the_weight_of_their_samples():
    model = classifier(dtype="float64")
    x, y = data(50)
    whole = model.test_on_batch(x, y)
    for batch_size in (1, 8, 49, 100):
        assert_allclose(model.evaluate(x, y, batch_size), whole, rtol=1e-12)
    assert_array_equal(model.predict(x, 50), model.predict(x, 64))
    assert_allclose(model.predict(x, 7), model.predict(x), rtol=1e-12)


def test_dropout_is_for_training_only():
    model = classifier(SimpleRNN(8), Dropout(0.5))
    x, y = data()
    assert_array_equal(model.predict(x), model.predict(x))
    assert model.train_on_batch(x, y)[0] != classifier(SimpleRNN(8)).train_on_batch(x, y)[0]


def test_results_with_and_without_metrics():
    x, y = data()
    model = classifier(metrics=[])
    assert model.metrics_names == ["loss"] and list(fit(model, x, y).history) == ["loss"]
    assert isinstance(model.evaluate(x, y), float) and isinstance(model.train_on_batch(x, y), float)
    model = classifier(metrics=["acc", "mse"][:1])
    assert list(fit(model, x, y, validation_split=0.5).history) == ["loss", "acc", "val_loss", "val_acc"]
    assert model.metrics_names == ["loss", "acc"]
    assert dict(zip(model.metrics_names, model.evaluate(x, y), strict=True)) == model.evaluate(x, y, return_dict=True)


@pytest.mark.parametrize("split_activation", [False, True])
@pytest.mark.parametrize(
    "activation, loss, classes",
    [
        ("softmax", SparseCategoricalCrossentropy, 3),
        ("softmax", CategoricalCrossentropy, 3),
        ("sigmoid", BinaryCrossentropy, 1),
    ],
)
def test_loss_on_probabilities_is_computed_from_logits(activation, loss, classes, split_activation):
    x, y = data(40)
    y = {SparseCategoricalCrossentropy: y, CategoricalCrossentropy: np.eye(3)[y], BinaryCrossentropy: y // 2}[loss]

    def model(**options):
        tail = [Dense(classes), Activation(activation)] if split_activation else [Dense(classes, activation)]
        return classifier(SimpleRNN(8), *tail[:-1], last=tail[-1], **options)

    probabilities, legacy = model(loss=loss()), model(loss=loss(legacy_clip=True), dtype="float64")
    logits = classifier(SimpleRNN(8), last=Dense(classes), loss=loss(from_logits=True))
    assert fit(probabilities, x, y, epochs=3).history == fit(logits, x, y, epochs=3).history
    for a, b in zip(probabilities.get_weights(), logits.get_weights(), strict=True):
        assert_array_equal(a, b)
    p = probabilities.predict(x)
    assert p.min() > 0 and p.max() < 1

    legacy.set_weights(logits.get_weights())  # the same function away from the clip
    assert_allclose(legacy.evaluate(x, y), logits.evaluate(x, y), rtol=1e-6)


def test_legacy_clip_cannot_recover_from_certain_mistakes():
    x, y = data(40)
    wrong = {"kernel_initializer": "zeros", "bias_initializer": lambda shape, rng, dtype: np.array([50, 0, -50], dtype)}
    results = {}
    for legacy in (True, False):
        loss = SparseCategoricalCrossentropy(legacy_clip=legacy)
        model = classifier(SimpleRNN(8), last=Dense(3, "softmax", **wrong), loss=loss, optimizer=SGD(1.0))
        before = model.get_weights()
        results[legacy] = model.train_on_batch(x, np.where(y == 0, 1, y))[0]
        changed = any(np.any(a != b) for a, b in zip(before, model.get_weights(), strict=True))
        assert changed is not legacy
    assert_allclose(results[True], 16.11809565, rtol=1e-6)
    assert results[False] > 50


def test_regression_at_every_step():
    t = np.linspace(0, 30, 600)
    series = (np.sin(t) / 3 + 2 * np.sin(5 * t)).astype("float32")
    windows = series[:560].reshape(-1, 20)
    x, y = windows[:, :-1, None], windows[:, 1:, None]
    model = Sequential([SimpleRNN(20, return_sequences=True), Dense(1)])
    model.compile(Adam(0.01), "mse")
    history = fit(model, x, y, epochs=20)
    assert history.history["loss"][-1] < 0.25 * history.history["loss"][0]
    with pytest.raises(nr.InputError, match=r"MeanSquaredError: expected numbers of the shape of the predictions"):
        fit(model, x, y[:, :, 0])


def test_embedding_model_and_binary_labels():
    """Does token 3 occur?"""
    tokens = np.random.default_rng(0).integers(0, 8, (300, 5))
    labels = (tokens == 3).any(axis=1).astype(int)
    model = Sequential([Embedding(8, 4, embeddings_initializer="normal"), LSTM(8), Dense(1, "sigmoid")])
    model.compile(Adam(0.03), "binary_crossentropy", ["acc"])
    history = fit(model, tokens, labels, epochs=15, batch_size=25, validation_split=0.2)
    assert history.history["val_acc"][-1] > 0.9
    assert model.input_shape == (None, None) and model.output_shape == (None, 1)
    with pytest.raises(nr.InputError, match="expected integers of shape"):
        model.predict(tokens.astype(float))


def test_stateful_model():
    x, y = data(40)
    model = classifier(SimpleRNN(8, stateful=True))
    fit(model, x, y, shuffle=False)
    state = model.layers[0].state[0].copy()
    fit(model, x, y, shuffle=False, validation_data=(x[:16], y[:16]))
    assert np.any(model.layers[0].state[0] != state)

    goes_on = model.predict(x[:8], 8)
    model.reset_states()
    anew = model.predict(x[:8], 8)
    model.reset_states(rows=[2])
    mixed = model.predict(x[:8], 8)
    assert np.abs(goes_on - anew).max() > 1e-4
    assert_array_equal(mixed[2], anew[2])
    assert np.abs(mixed[3] - anew[3]).max() > 1e-4

    for call, message in [
        (lambda: fit(model, x, y), "expected shuffle=False with stateful layers"),
        (
            lambda: fit(model, x[:20], y[:20], shuffle=False),
            "stateful layers expect whole batches of 8, got 20 samples",
        ),
        (lambda: model.predict(x[:20], 8), "whole batches of 8"),
    ]:
        with pytest.raises(nr.InputError, match=message):
            call()


def test_validation_leaves_the_states_alone():
    x, y = data(16)
    plain, validated = (classifier(LSTM(4, stateful=True)) for _ in range(2))
    fit(plain, x, y, epochs=3, shuffle=False)
    fit(validated, x, y, epochs=3, shuffle=False, validation_data=(x[:8], y[:8]))
    assert_same_weights(plain, validated)
    assert_array_equal(plain.layers[0].state[1], validated.layers[0].state[1])


def test_training_ends_where_the_loss_is_not_finite():
    x, y = data(40)
    x[37] = np.inf
    model = classifier(SimpleRNN(8, "relu"), metrics=["acc"])
    with pytest.warns(
        RuntimeWarning, match="fit: stopped in epoch 1: the loss, a gradient or a moving average is not finite"
    ):
        history = fit(model, x, y, epochs=3, shuffle=False, validation_data=data(16))
    assert np.isnan(history.history["loss"]).tolist() == [True]
    assert np.isfinite(history.history["val_loss"]).all() and len(history.history["val_loss"]) == 1
    assert all(np.isfinite(w).all() for w in model.get_weights())
    expected = classifier(SimpleRNN(8, "relu"))
    fit(expected, x[:32], y[:32], shuffle=False)
    assert_same_weights(model, expected)
    assert np.isnan(model.evaluate(x, y)[0])
    assert np.isnan(model.train_on_batch(x, y)[0])
    assert_same_weights(model, expected)


def test_infinite_scores_are_evaluated_without_a_warning():
    model = Sequential([Dense(3)])
    model.compile("sgd", LOGITS, ["accuracy"])
    model.build((None, 2))
    model.set_weights([np.full((2, 3), np.inf), np.zeros(3)])
    loss, accuracy = model.evaluate(np.ones((4, 2)), [0, 1, 2, 0])
    assert np.isnan(loss) and accuracy == 0


def test_a_gradient_that_overflows_changes_nothing():
    model = Sequential([Dense(1, kernel_initializer="zeros")])
    model.compile(SGD(0.1), "mse")
    assert np.isnan(model.train_on_batch(np.full((2, 3), 1e30), np.full((2, 1), 1e10)))
    assert not model.get_weights()[0].any()
    assert_allclose(model.evaluate(np.full((2, 3), 1e30), np.full((2, 1), 1e10)), 1e20, rtol=1e-6)


def test_a_gradient_whose_square_overflows_counts():
    model = Sequential([Dense(1, kernel_initializer="zeros")], dtype="float64")
    model.compile(SGD(1e-200), "mse")
    assert model.train_on_batch(np.full((2, 1), 1e200), np.ones((2, 1))) == 1
    assert_allclose(model.get_weights()[0], [[2]])


@pytest.mark.parametrize("wrap", [lambda layer: layer, TimeDistributed], ids=["alone", "in TimeDistributed"])
def test_models_that_are_not_built_cannot_share_a_layer(wrap):
    layer = Dense(3)
    one, two = (Sequential([made], seed=seed) for seed, made in enumerate((layer, wrap(layer))))
    outputs = one.predict(X)
    with pytest.raises(nr.InputError, match="expected a new layer, got dense, which is in use already"):
        two.predict(X)
    assert_array_equal(one.predict(X), outputs)


def test_build_may_be_repeated_with_another_shape():
    model = Sequential([GRU(3, return_sequences=True), RepeatVector(2)])
    for _ in range(2):
        with pytest.raises(nr.InputError, match=r"repeat_vector: expected inputs of shape \(batch, features\)"):
            model.build((None, 6, 2))


def test_empty_batches():
    model = classifier()
    assert model.predict(np.zeros((0, 6, 2))).shape == (0, 3)
    with pytest.raises(nr.InputError, match="fit: expected at least one sample, got none"):
        fit(model, np.zeros((0, 6, 2)), np.zeros(0, int))
    with pytest.raises(nr.InputError, match="evaluate: expected at least one sample"):
        model.evaluate(np.zeros((0, 6, 2)), np.zeros(0, int))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: Sequential([]).predict(X), "sequential: expected at least one layer"),
        (lambda: Sequential([3]), r"expected a layer such as Dense\(10\), got 3"),
        (lambda: Sequential([Dense(3), Input((2,))]), "expected Input as the first layer"),
        (lambda: Sequential([Dense(3)] * 2), "expected a new layer, got dense, which is in use already"),
        (lambda: Sequential([Dense(3, name="a"), Dense(3, name="a")]), "expected another name, 'a' is taken"),
        (
            lambda: Sequential([LSTM(3, return_state=True), Dense(2)]),
            "expected lstm with several outputs to be the last layer, got dense after it",
        ),
        (
            lambda: Sequential([LSTM(3, return_state=True, activity_regularizer="l2")]),
            "expected no activity_regularizer of several outputs",
        ),
        (lambda: Sequential(dtype="float16"), "expected dtype to be float32 or float64, got 'float16'"),
        (lambda: Sequential(seed=-1), "expected seed to be an integer of at least 0"),
        (lambda: Sequential(deivce="cpu"), "it takes layers, seed, dtype, device, name"),
        (lambda: Sequential([GRU(3)], device="tpu").predict(X), "no device 'tpu'"),
        (lambda: classifier().build((None, 6, 2)), r"already built for inputs of shape \(None, 6, 2\)"),
        (lambda: classifier().predict(X[:, :5]), r"expected inputs of shape \(batch, 6, 2\), got \(20, 5, 2\)"),
        (lambda: classifier().predict(X[0]), r"expected inputs of shape \(batch, 6, 2\), got \(6, 2\)"),
        (lambda: classifier().predict([["a"]]), r"expected numbers of shape \(batch, ...\), got <U1 of shape"),
        (lambda: classifier().predict(X, batch_size=0), "expected batch_size to be a positive integer, got 0"),
        (lambda: Sequential([GRU(3)]).fit(X, Y), r"fit: the model needs compile\(optimizer, loss\) first"),
        (lambda: classifier().fit(X, Y[:19]), r"as many labels as samples, 20, got labels of shape \(19,\)"),
        (lambda: classifier().fit(X, Y, epochs=0), "expected epochs to be a positive integer, got 0"),
        (lambda: classifier().fit(X, Y, verbose=3), "expected verbose to be 0, 1 or 2, got 3"),
        (lambda: classifier().fit(X, Y + 1), "expected labels from 0 to 2, got 1 to 3"),
        (lambda: classifier().fit(X, Y / 1), "expected integer labels"),
        (lambda: classifier().fit(X, Y, validation_data=(X, Y[:, None])), "expected integer labels"),
        (
            lambda: classifier().fit(X, Y, validation_data=X),
            r"expected validation_data to be a pair \(x, y\) or \(x, y, sample_weight\), got ndarray",
        ),
        (lambda: classifier().fit(X, Y, validation_split=1.5), r"expected validation_split in \[0, 1\), got 1.5"),
        (lambda: classifier().fit(X, Y, validation_split=0.99), "leaves nothing on one side"),
        (lambda: classifier().fit(X, Y, validation_split=0.5, validation_data=(X, Y)), "got both"),
        (lambda: classifier(metrics="accuracy"), "expected a list of metrics, got 'accuracy'"),
        (lambda: classifier(metrics=["f7"]), "metric: expected a function"),
        (lambda: classifier(metrics=["acc", "acc"]), "compile: expected metrics of different names"),
        (lambda: classifier().fit(X, Y, initial_epoch=2), "expected initial_epoch to be an integer from 0 to 1, got 2"),
        (lambda: classifier().fit(X, Y, initial_epoch=0.5), "expected initial_epoch to be an integer"),
        (lambda: classifier(loss=None), "loss: expected a Loss, a function or one of"),
        (lambda: classifier(optimizer="adamax"), "optimizer: expected an Optimizer or one of"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(nr.InputError, match=message):
        call()


def test_bad_validation_data_shows_before_the_training():
    model = classifier()
    before = model.get_weights()
    with pytest.raises(nr.InputError):
        model.fit(X, Y, validation_data=(X, Y + 9), verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        assert_array_equal(a, b)
