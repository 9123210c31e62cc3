"""Models with several inputs, outputs and branches: gradients, data by name, files, and what is refused."""

import pickle

import numpy as np
import pytest
from helpers.layer_checks import central_difference
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn.layers import (
    GRU,
    LSTM,
    RNN,
    Activation,
    Add,
    Average,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    Masking,
    Multiply,
    SimpleRNN,
    TimeDistributed,
)

RNG = np.random.default_rng(0)
B, S, T = 9, 4, 6
X = [RNG.standard_normal((B, S, 3)), RNG.integers(0, 7, (B, T))]
X[1][2, 4:] = X[1][3, :2] = 0
Y = [RNG.integers(0, 5, (B, T)), RNG.standard_normal((B, 2))]


def translator(seed=0, dtype="float64", **options):
    """Two inputs, two outputs, masks, states handed over, a layer that is called twice."""
    series, tokens = Input((None, 3), name="series"), Input((None,), name="tokens")
    _, h, c = LSTM(4, return_state=True, kernel_regularizer="l2", **options)(series)
    words = Embedding(7, 4, mask_zero=True)(tokens)
    read, *states = LSTM(4, return_sequences=True, return_state=True)(words, initial_state=[h, c])
    mixed = Dense(4, "tanh", name="mixed")
    scores = Dense(5, "softmax", name="scores")(Add()([mixed(words), read]))
    value = Dense(2, name="value", activity_regularizer="l2")(Concatenate()([Multiply()([h, states[0]]), mixed(c)]))
    return nr.Model([series, tokens], [scores, value], seed=seed, dtype=dtype)


def compiled(model=None, optimizer="adam", **options):
    model = translator() if model is None else model
    both = {"scores": "sparse_categorical_crossentropy", "value": "mse"}
    model.compile(optimizer, both, metrics={"scores": ["accuracy"], "value": ["mae"]}, **options)
    return model


@pytest.mark.parametrize("weights", [None, "each"])
@pytest.mark.parametrize("training", [False, True])
def test_gradients_against_differences(training, weights):
    model = compiled(loss_weights={"scores": 0.7, "value": 1.5})
    weights = weights and {"scores": RNG.random((B, T)), "value": RNG.random(B)}
    data = X, Y, weights
    loss, gradients = model.value_and_gradients(*data, training=training)
    values = dict(zip(model.metrics_names, model.test_on_batch(*data), strict=True))
    assert_allclose(loss, values["loss"], rtol=1e-12)
    assert gradients.keys() == model.params.keys()
    for name, w in model.params.items():
        expected = central_difference(lambda: model.value_and_gradients(*data, training=training)[0], w)
        assert abs(expected).max() > 1e-4
        assert_allclose(gradients[name], expected, rtol=1e-6, atol=1e-9, err_msg=name)


def test_the_loss_over_batches_is_the_sum_of_the_losses_of_the_outputs():
    """Under masks too, where batches differ in the steps that count."""
    model = compiled(loss_weights=[0.7, 1.5])
    penalty = model.regularizers["lstm/kernel"](model.params["lstm/kernel"])
    activity = (model.predict(X)[1] ** 2).sum() * 0.01 / B
    for batch_size in (B, 4):
        values = model.evaluate(X, Y, batch_size, return_dict=True)
        names = ["loss", "scores_loss", "value_loss", "scores_accuracy", "value_mae"]
        assert list(values) == names == model.metrics_names
        expected = 0.7 * values["scores_loss"] + 1.5 * values["value_loss"] + penalty + activity
        assert_allclose(values["loss"], expected, rtol=1e-12)
    one = model.evaluate(X, Y, B, return_dict=True)
    assert_allclose(one["scores_loss"], model.evaluate(X, Y, 4, return_dict=True)["scores_loss"], rtol=1e-12)


def test_an_encoder_and_a_decoder_are_as_those_of_encoder_decoder():
    encoder, decoder = [Embedding(7, 3), GRU(4)], [Embedding(5, 3), GRU(4, return_sequences=True), Dense(5, "softmax")]
    written = nr.EncoderDecoder(encoder, decoder, start=0, dtype="float64")
    sources, targets = RNG.integers(0, 7, (B, S)), RNG.integers(0, 5, (B, T))
    written.predict(sources, targets)
    read, given = Input((None,)), Input((None,))
    _, h = GRU(4, return_state=True, name="encoder")(Embedding(7, 3, name="sources")(read))
    decoder = GRU(4, return_sequences=True, name="decoder")
    outputs = Dense(5, "softmax")(decoder(Embedding(5, 3, name="targets")(given), initial_state=h))
    model = nr.Model([read, given], outputs, dtype="float64")
    names = dict(zip(("sources", "encoder", "targets", "decoder", "dense"), written.layers, strict=True))
    for layer in model.layers:
        layer.set_weights(names[layer.name].get_weights())
    before = np.concatenate([np.zeros((B, 1), int), targets[:, :-1]], axis=1)
    assert_array_equal(model.predict([sources, before]), written.predict(sources, targets))
    for each in (written, model):
        each.compile("sgd", "sparse_categorical_crossentropy")
    loss, theirs = written.value_and_gradients(sources, targets)
    same, ours = model.value_and_gradients([sources, before], targets)
    assert loss == same
    for name, gradient in ours.items():
        layer, _, parameter = name.partition("/")
        assert_array_equal(gradient, theirs[f"{names[layer].name}/{parameter}"])


def test_states_of_stacks_are_handed_over_nested():
    a, b = Input((S, 3)), Input((T, 3))
    cells = lambda: [nr.LSTMCell(3), nr.GRUCell(2)]  # noqa: E731
    _, *states = RNN(cells(), return_state=True)(a)
    outputs = RNN(cells(), return_sequences=True)(b, initial_state=states)
    model = nr.Model([a, b], outputs, dtype="float64")
    model.compile("sgd", "mse")
    x, y = [X[0], RNG.standard_normal((B, T, 3))], RNG.standard_normal((B, T, 2))
    first, second = (layer.cell for layer in model.layers)
    params = [layer.params for layer in model.layers]
    run = nr.forward(first, params[0], x[0])
    assert_allclose(model.predict(x), nr.forward(second, params[1], x[1], initial_state=run.state).outputs, rtol=1e-13)
    _, gradients = model.value_and_gradients(x, y)
    for name, w in model.params.items():
        expected = central_difference(lambda: model.value_and_gradients(x, y)[0], w)
        assert_allclose(gradients[name], expected, rtol=1e-6, atol=1e-9, err_msg=name)


def trained(how, dtype="float32", **options):
    model = compiled(translator(dtype=dtype))
    how(model, **{"epochs": 2, "batch_size": 4, "verbose": 0} | options)
    return model.get_weights()


def test_data_in_lists_and_by_name():
    expected = trained(lambda m, **o: m.fit(X, Y, **o))
    by_name = {"tokens": X[1], "series": X[0]}, {"value": Y[1], "scores": Y[0]}
    ragged = [nr.Padded(X[0], np.full(B, S)), list(X[1])]
    for x, y in ((tuple(X), tuple(Y)), by_name, (ragged, Y)):
        for a, b in zip(trained(lambda m, x=x, y=y, **o: m.fit(x, y, **o)), expected, strict=True):
            assert_array_equal(a, b)


def test_iterables_of_batches():
    rows = [slice(0, 4), slice(4, 8), slice(8, 9)]
    weights = [np.linspace(0, 1, B), np.linspace(1, 2, B)]
    expected = trained(lambda m, **o: m.fit(X, Y, sample_weight=weights, shuffle=False, **o))
    batches = [((X[0][r], X[1][r]), (Y[0][r], Y[1][r]), [w[r] for w in weights]) for r in rows]
    named = [({"series": x[0], "tokens": x[1]}, {"scores": y[0], "value": y[1]}, w) for x, y, w in batches]
    for source in (batches, named):
        found = trained(lambda m, s=source, **o: m.fit(iter(s * 2), steps_per_epoch=3, **o))
        for a, b in zip(found, expected, strict=True):
            assert_array_equal(a, b)
    model = compiled()
    assert model.evaluate(iter(batches)) == model.evaluate(X, Y, 4, sample_weight=weights)
    for a, b in zip(model.predict(iter(batches)), model.predict(X), strict=True):
        assert_allclose(a, b, rtol=1e-12)


def test_validation_and_callbacks():
    model, seen = compiled(), []

    class Seen(nr.callbacks.Callback):
        def on_epoch_end(self, epoch, logs):
            seen.append(list(logs))

    stop = nr.callbacks.EarlyStopping(monitor="val_scores_loss", patience=1, restore_best_weights=True)
    history = model.fit(X, Y, epochs=3, validation_split=0.3, callbacks=[stop, Seen()], verbose=0)
    names = ["loss", "scores_loss", "value_loss", "scores_accuracy", "value_mae"]
    assert seen[0] == [*names, *(f"val_{name}" for name in names)] and list(history.history) == seen[0]
    assert model.predict_on_batch(X)[1].shape == (B, 2) and len(model(X, training=True)) == 2


def test_freezing_and_transforms():
    model = compiled()
    next(layer for layer in model.layers if layer.name == "mixed").trainable = False
    before, asked = model.weights["mixed/kernel"].copy(), []
    model.fit(X, Y, verbose=0, gradient_transform=lambda g: asked.append(list(g)) or g)
    assert_array_equal(model.weights["mixed/kernel"], before)
    assert asked == [list(model.trainable_params)] and "mixed/kernel" not in asked[0]


def test_an_output_without_a_loss_has_no_part_in_training():
    model, alone = translator(seed=3), translator(seed=3)
    model.compile("sgd", [None, "mse"])
    loss, gradients = model.value_and_gradients(X, Y[1])
    for same in ([None, Y[1]], {"value": Y[1]}):
        assert model.value_and_gradients(X, same)[0] == loss
    assert model.metrics_names == ["loss", "value_loss"] and not gradients["scores/kernel"].any()
    only = nr.Model(alone.inputs, alone.output[1], dtype="float64")
    only.compile("sgd", "mse")
    same, theirs = only.value_and_gradients(X, Y[1])
    assert_allclose(same, loss, rtol=1e-14)
    for name, gradient in theirs.items():
        assert_allclose(gradients[name], gradient, rtol=1e-12, atol=1e-16)


def test_files_and_pickles(tmp_path):
    model = compiled(translator(dtype="float32"), loss_weights=[1.0, 0.3])
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.npz")
    copies = nr.load_model(tmp_path / "model.npz"), pickle.loads(pickle.dumps(model))
    for again in copies:
        assert type(again) is nr.Model and list(again.weights) == list(model.weights)
        assert again.input_names == ["series", "tokens"] and again.output_names == ["scores", "value"]
        assert again.evaluate(X, Y) == model.evaluate(X, Y) and again.loss_weights is not None
        for a, b in zip(again.predict(X), model.predict(X), strict=True):
            assert_array_equal(a, b)
        again.fit(X, Y, verbose=0)


def test_resumed_training_has_the_same_bits(tmp_path):
    options = {"batch_size": 4, "verbose": 0}
    unbroken, broken = (compiled(translator(dropout=0.2)) for _ in range(2))
    unbroken.fit(X, Y, epochs=4, **options)
    broken.fit(X, Y, epochs=2, **options)
    broken.save(tmp_path / "model.npz", training=True, epoch=2)
    again = nr.load_model(tmp_path / "model.npz")
    again.fit(X, Y, initial_epoch=again.load_training(tmp_path / "model.npz"), epochs=4, **options)
    for name, w in unbroken.weights.items():
        assert_array_equal(w, again.weights[name])


def test_shared_layers_of_two_models():
    """Inference models of a trained one: the encoder alone, and a decoder that takes and returns its states."""
    read, given = Input((None, 3)), Input((None, 2))
    _, *states = LSTM(4, return_state=True)(read)
    decoder, scores = LSTM(4, return_sequences=True, return_state=True), Dense(2)
    outputs, *_ = decoder(given, initial_state=states)
    model = nr.Model([read, given], scores(outputs), dtype="float64")
    encoder = nr.Model(read, states, dtype="float64")
    before = [Input((4,), name="h"), Input((4,), name="c")]
    outputs, *after = decoder(given, initial_state=before)
    step = nr.Model([given, *before], [scores(outputs), *after], dtype="float64")
    assert step.layers == model.layers[1:] and step.weights["dense/kernel"] is model.weights["dense/kernel"]
    written, found = RNG.standard_normal((B, T, 2)), []
    state = encoder.predict(X[0])
    for t in range(T):
        y, *state = step.predict([written[:, t : t + 1], *state])
        found.append(y)
    assert_allclose(np.concatenate(found, axis=1), model.predict([X[0], written]), rtol=1e-12)
    model.compile("sgd", "mse")
    model.train_on_batch([X[0], written], written)
    assert_array_equal(encoder.predict(X[0])[0], nr.Model(read, states[0], dtype="float64").predict(X[0]))
    with pytest.raises(nr.InputError, match="the dtype float64, that of lstm, which is in use, got float32"):
        nr.Model(read, states)


def test_a_residual_chain_generates_and_is_trained_with_truncation():
    """It goes on step by step, with the states of its layers."""
    x = Input((None, 3))
    h = GRU(3, return_sequences=True)(x)
    model = nr.Model(x, Add()([x, Dense(3)(LSTM(4, return_sequences=True)(Concatenate()([x, h])))]), dtype="float64")
    model.compile("sgd", "mse")
    first = RNG.standard_normal((2, 5, 3))
    assert_allclose(nr.generate(model, first, 4), nr.generate_from_windows(model, first, 4), rtol=1e-10)
    long, labels = RNG.standard_normal((3, 8, 3)), RNG.standard_normal((3, 8, 3))
    whole, parts = pickle.loads(pickle.dumps(model)), pickle.loads(pickle.dumps(model))
    whole.fit(long, labels, verbose=0)
    parts.fit(long, labels, truncate=(8, 8), verbose=0)
    for name, w in whole.weights.items():
        assert_allclose(parts.weights[name], w, rtol=1e-12)
    parts.fit(long, labels, truncate=(2, 4), verbose=0)


def test_a_stateful_layer_in_a_graph():
    x = Input((None, 3))
    model = nr.Model(x, Average()([Dense(4)(x), GRU(4, return_sequences=True, stateful=True)(x)]), dtype="float64")
    parts = [model.predict(X[0][:, :2], batch_size=B), model.predict(X[0][:, 2:], batch_size=B)]
    model.reset_states()
    assert_allclose(np.concatenate(parts, axis=1), model.predict(X[0], batch_size=B), rtol=1e-13)
    with pytest.raises(nr.InputError, match="predict: stateful layers expect whole batches of 32, got 9 samples"):
        model.predict(X[0])


def test_gradient_flow_of_its_layers():
    flows = nr.inspection.model_gradient_flow(compiled(), X, Y)
    assert {name: {s: norms.shape for s, norms in flow.items()} for name, flow in flows.items()} == {
        "lstm": {"h": (B, S), "c": (B, S)},
        "lstm_1": {"h": (B, T), "c": (B, T)},
    }
    assert all(norms.any() for flow in flows.values() for norms in flow.values())


def test_gradient_flow_leaves_out_what_the_loss_does_not_depend_on():
    x = Input((S, 3))
    model = nr.Model(x, [GRU(2)(x), GRU(2)(x)])
    model.compile("sgd", [None, "mse"])
    assert list(nr.inspection.model_gradient_flow(model, X[0], Y[1])) == ["gru_1"]


def test_where_a_number_is_not_finite():
    for place, value, message in ((0, 1, r"y\['value'\]\[4, 1\]"), (1, 0, r"x\['series'\]\[4, 1, 0\]")):
        model, x, y = compiled(), [a.copy() for a in X], [a.copy() for a in Y]
        (y if place == 0 else x)[value][(4, 1) if place == 0 else (4, 1, 0)] = np.nan
        with pytest.warns(RuntimeWarning, match=message):
            model.fit(x, y, verbose=0)


def test_summary(capsys):
    a, b = Input((S, 3), name="a"), Input((2,))
    outputs, state = GRU(2, return_state=True)(a)
    nr.Model([a, b], Dense(1)(Concatenate()([state, b, outputs])), name="small").summary()
    _, _, head, _, *rows, _, total, _, _ = capsys.readouterr().out.splitlines()
    columns = [[cell.strip() for cell in row.split("  ") if cell.strip()] for row in (head, *rows)]
    assert columns == [
        ["Layer (type)", "Output shape", "Param #", "Connected to"],
        ["a (Input)", "(None, 4, 3)", "0"],
        ["input (Input)", "(None, 2)", "0"],
        ["gru (GRU)", "[(None, 2), (None, 2)]", "42", "a"],
        ["concatenate (Concatenate)", "(None, 6)", "0", "gru[1], input, gru[0]"],
        ["dense (Dense)", "(None, 1)", "7", "concatenate"],
    ]
    assert len({row.index(cells[2]) for row, cells in zip(rows, columns[1:], strict=True)}) == 1
    assert total == "Total params: 49"


def a(shape=(S, 3), **options):
    return Input(shape, **options)


def stranger():
    x = a()
    return nr.Model(x, Add()([GRU(2)(x), GRU(2, name="other")(a((5, 3), name="lost"))]))


def called(layer, *shapes):
    for shape in shapes:
        outputs = layer(a(shape))
    return outputs


def twice(layer, first, second):
    x, y = a(first), a(second)
    return nr.Model([x, y], [layer(x), layer(y)])


def one_of_each():
    x = a((3,))
    return nr.Model(x, Concatenate()([Flatten()(Embedding(4, 2)(x)), Dense(2)(x)]))


def in_use_twice():
    x = a((3,))
    return nr.Model(x, Add()([nr.Model(x, Dense(2)(x)).layers[0](x), nr.Model(x, Dense(2)(x)).layers[0](x)]))


def unused():
    x = a()
    return nr.Model([x, a((2,), name="idle")], GRU(2)(x))


@pytest.mark.parametrize(
    "make, message",
    [
        (stranger, r"every Input that the outputs come from; other reads Input\(\(5, 3\), name='lost'"),
        (unused, r"outputs that come from all inputs, got none that Input\(\(2,\), name='idle'\) leads to"),
        (lambda: nr.Model([], Dense(2)(a())), "Model: expected inputs to be an Input, or a list of them, got none"),
        (lambda: nr.Model([x := a(), x], Dense(2)(x)), "Model: expected each Input once among inputs, got one twice"),
        (lambda: nr.Model(a(), []), "Model: expected outputs of layers that were called on an Input, got none"),
        (lambda: nr.Model(x := a(), x), "Model: expected outputs of layers that were called on an Input, got Input"),
        (lambda: nr.Model(x := a(), {"y": GRU(2)(x)}), r"called on an Input, got \{'y'"),
        (lambda: nr.Model(h := GRU(2)(a()), Dense(2)(h)), "expected inputs to be an Input, got Output"),
        (lambda: LSTM(4)(GRU(2)(a())), r"lstm: expected inputs of shape \(batch, steps, features\), got \(None, 2\)"),
        (lambda: LSTM(4)(a(), initial_state=GRU(2)(a())), r"lstm: expected an initial_state of shapes \[\(None, 4\), "),
        (lambda: GRU(4)(a(), initial_state=a((3,))), r"initial_state of shapes \[\(None, 4\)\], got \[\(None, 3\)\]"),
        (lambda: GRU(4)(a(), initial_state=np.zeros((2, 4))), "gru: expected an initial_state of an Input or outputs"),
        (lambda: GRU(4)(np.zeros((2, 3, 3)), initial_state=a((4,))), "gru: expected inputs like its initial_state"),
        (lambda: GRU(4, stateful=True)(a(), initial_state=a((4,))), "gru: expected no initial_state of a stateful"),
        (lambda: Dense(4)(a(), initial_state=a((4,))), "dense: expected no initial_state, as it has no states"),
        (lambda: Dense(4)(a(), training=True), "dense: expected no training in a symbolic call"),
        (lambda: Dense(4)([a(), a()]), r"dense: expected one input, got \[Input"),
        (lambda: twice(Dense(2), (3,), (4,)), r"model: dense: expected inputs of 3 features, of which"),
        (lambda: twice(GRU(2, stateful=True), (4, 3), (4, 3)), "expected a stateful layer to be called once, got gru"),
        (one_of_each, "all read .* as integers or all as numbers, got embedding, which takes integers, and dense"),
        (in_use_twice, "model: expected layers of different names, got two in use called 'dense'"),
        (lambda: nr.Model(x := a(), [GRU(2, name="a")(x), GRU(2, name="a")(x)]), "expected another name, 'a' is taken"),
        (
            lambda: nr.Model(x := a(), LSTM(2, return_state=True, activity_regularizer="l2")(x)),
            r"Model: expected no activity_regularizer of several outputs, got LSTM",
        ),
        (lambda: twice(Dense(2), (3,), (3,))(a((3,))), "model: expected inputs in a list of 2"),
    ],
)
def test_graphs_that_are_none(make, message):
    with pytest.raises(nr.InputError, match=message):
        make()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m: m.predict(X[0]), r"inputs in a list of 2 \(series, tokens\) or a dict .*, got ndarray"),
        (lambda m: m.predict([X[0]]), "expected inputs in a list of 2 .*, got 1"),
        (lambda m: m.predict({"series": X[0], "words": X[1]}), "inputs by the names series, tokens, got 'words'"),
        (lambda m: m.predict({"series": X[0]}), "model: expected inputs tokens, got none"),
        (lambda m: m.predict([X[0], X[1][:3]]), f"inputs tokens with as many rows as series, {B}, got 3"),
        (lambda m: m.predict([X[0], X[0]]), r"inputs tokens of integers of shape \(batch, ...\), got float64 of shape"),
        (lambda m: m.predict([X[0][:, :, :2], X[1]]), r"inputs series of shape \(batch, any, 3\), got \(9, 4, 2\)"),
        (lambda m: m.fit(X, Y[0]), r"fit: expected labels in a list of 2 \(scores, value\) .*, got ndarray"),
        (lambda m: m.fit(X, {"scores": Y[0]}), "fit: expected labels of value, got none"),
        (lambda m: m.fit(X, [Y[0], Y[1][:2]]), "fit: expected as many labels as samples, 9, got labels of shape"),
        (lambda m: m.fit(X, Y, class_weight={0: 2.0}), "fit: expected no class_weight for several outputs"),
        (
            lambda m: m.fit(X, Y, sample_weight=[np.ones(3), None]),
            r"expected sample_weight of shape \(9,\) or \(9, 6\)",
        ),
        (lambda m: m.fit(X, Y, truncate=(2, 2)), "fit with truncate: expected a model of one input, got one of 2"),
        (lambda m: nr.generate(m, X[0], 2), "generate: expected a model of one input, got one of 2"),
        (lambda m: m.compile("sgd", {"scores": "mse", "what": "mse"}), "losses by the names scores, value, got 'what'"),
        (lambda m: m.compile("sgd", ["mse"]), "compile: expected losses in a list of 2"),
        (lambda m: m.compile("sgd", [None, None]), "compile: expected a loss of an output at least, got none"),
        (
            lambda m: m.compile("sgd", ["mse", None], metrics=[[], ["mae"]]),
            "expected a loss of value, which has metrics",
        ),
        (lambda m: m.compile("sgd", "mse", metrics=["mae"]), "compile: expected metrics in a list of 2"),
        (lambda m: m.compile("sgd", "mse", loss_weights=[1, -1]), "loss_weights of numbers .*, got -1 of value"),
    ],
)
def test_data_and_options_that_do_not_fit(call, message):
    with pytest.raises(nr.InputError, match=message):
        call(compiled())


def test_loss_weights_of_one_output_are_refused():
    model = nr.Sequential([Input((3,)), Dense(2)])
    with pytest.raises(nr.InputError, match="expected loss_weights of a model of several outputs, got"):
        model.compile("sgd", "mse", loss_weights=[0.5])


def test_handed_states_are_not_truncated():
    x = Input((None, 3))
    h, *state = GRU(3, return_sequences=True, return_state=True)(x)
    model = nr.Model(x, GRU(3, return_sequences=True)(h, initial_state=state))
    model.compile("sgd", "mse")
    for call in (lambda: model.fit(X[0], X[0], truncate=(2, 2), verbose=0), lambda: nr.generate(model, X[0], 2)):
        with pytest.raises(nr.InputError, match="layers that start from zero states, got gru_1 with an initial_state"):
            call()


def test_a_call_that_reads_a_later_one_is_refused(tmp_path, monkeypatch):
    """A cycle can stand in a file alone."""
    model = translator()
    model.save(tmp_path / "model.npz")
    arrays, facts = nr.checkpoint.load_with_facts(tmp_path / "model.npz")
    calls = facts["model"]["calls"]
    calls[0][1], calls[1][1] = calls[1][2], calls[0][2]
    monkeypatch.setattr(nr.checkpoint, "load_with_facts", lambda path: (arrays, facts))
    with pytest.raises(
        nr.InputError, match=r"model.npz: Model.from_config: its calls have a cycle, or read what is not there: place"
    ):
        nr.load_model("model.npz")


def test_a_deep_graph_is_sorted_without_recursion():
    x = h = Input((4,))
    step = Dense(4, "tanh")
    for _ in range(1500):
        h = step(h)
    model = nr.Model(x, h)
    assert len(model.layers) == 1 and len(model.graph.calls) == 1500
    values = RNG.standard_normal((2, 4)).astype("float32")
    assert model.predict(values).shape == (2, 4)
    assert pickle.loads(pickle.dumps(model)).predict(values).shape == (2, 4)


def test_dropout_and_the_order_of_layers_do_not_depend_on_how_a_chain_is_written():
    recurrent = GRU(4, return_sequences=True, dropout=0.2)
    layers = [recurrent, Dropout(0.3), Bidirectional(SimpleRNN(3)), Dense(2), Activation("tanh")]
    written, x = nr.Sequential([Input((S, 3)), *layers], seed=5), Input((S, 3))
    h = x
    for layer in layers:
        h = type(layer).from_config(layer.get_config())(h)
    model = nr.Model(x, h, seed=5)
    for each in (written, model):
        each.compile("adam", "mse")
        each.fit(X[0], Y[1], epochs=2, batch_size=4, verbose=0)
    for a, b in zip(written.get_weights(), model.get_weights(), strict=True):
        assert_array_equal(a, b)


def test_moments_of_both_calls_move_the_averages():
    x, y, normal = Input((3,)), Input((3,)), BatchNormalization(momentum=0.5)
    model = nr.Model([x, y], Add()([normal(x), normal(y)]), dtype="float64")
    model.compile("sgd", "mse")
    one, two = RNG.standard_normal((2, B, 3))
    model.train_on_batch([one, two], one)
    expected = 0.5 * (0.5 * one.mean(axis=0)) + 0.5 * two.mean(axis=0)
    assert_allclose(model.weights["batch_normalization/moving_mean"], expected, rtol=1e-13)


def test_masks_reach_each_output_alone():
    x = Input((T, 3))
    masked = Masking()(x)
    per_step = TimeDistributed(Dense(2))(GRU(3, return_sequences=True)(masked))
    model = nr.Model(x, [per_step, GRU(2)(masked), Dense(1)(x)], dtype="float64")
    values = RNG.standard_normal((B, T, 3))
    values[:, 4:] = 0
    run = model._forward(model._inputs(values))
    assert [None if mask is None else mask.sum() for mask in run.mask] == [B * 4, None, None]


@pytest.mark.parametrize("first", [Embedding(9, 3), GRU(4, return_sequences=True)], ids=["tokens", "numbers"])
def test_a_sequential_goes_on_in_a_graph(first):
    """Keras' way to put another head on layers; both models have the same arrays."""
    before = nr.Sequential([Input((None,) if first.takes_integers else (None, 3)), first, LSTM(4)], seed=3)
    model = nr.Model(before.input, [before.output, Dense(2)(before.output)])
    x = RNG.integers(0, 9, (2, 5)) if first.takes_integers else RNG.standard_normal((2, 5, 3)).astype("float32")
    hidden, _ = model.predict(x)
    assert_array_equal(hidden, before.predict(x))
    assert model.get_layer("lstm") is before.layers[-1]
    model.compile("adam", "mse")
    model.fit(x, [np.ones((2, 4)), np.ones((2, 2))], verbose=0)
    assert not np.array_equal(hidden, before.predict(x))
    assert_array_equal(pickle.loads(pickle.dumps(before)).predict(x), before.predict(x))
    with pytest.raises(nr.InputError, match="output needs parameters"):
        print(nr.Sequential([Dense(3)]).output)
