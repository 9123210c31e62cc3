"""Masks through whole models: loss and metrics over valid steps, gradients, fit, evaluate and predict."""

import numpy as np
import pytest
from helpers.layer_checks import central_difference
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn import Sequential
from numbarnn.layers import (
    GRU,
    LSTM,
    Activation,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    Masking,
    RepeatVector,
    SimpleRNN,
    TimeDistributed,
)
from numbarnn.losses import BinaryCrossentropy, CategoricalCrossentropy, MeanSquaredError, SparseCategoricalCrossentropy
from numbarnn.optimizers import SGD, Adam

STEPS, CLASSES = 6, 3


def sequences(samples=24, seed=0):
    """Features (samples, 6, 2), of which padding is zero, and a class at every step: the sign of what came so far."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((samples, STEPS, 2)).astype("float32")
    mask = np.arange(STEPS) < rng.integers(0, STEPS + 1, samples)[:, None]
    mask[0] = False
    mask[1] = [0, 1, 0, 1, 1, 0]
    x[~mask] = 0
    return x, np.digitize(np.cumsum(x[..., 0], axis=1), [-0.3, 0.3]), mask


def tokens(samples=24, seed=0):
    """Integers below 9 with zeros where there is no word, and whether an 8 occurs."""
    mask = sequences(samples, seed)[2]
    words = np.where(mask, np.random.default_rng(seed).integers(1, 9, mask.shape), 0)
    return words, (words == 8).any(axis=1).astype(int)


def tagger(*last, loss=None, dtype="float64", **options):
    layers = Masking(), Bidirectional(LSTM(4, return_sequences=True)), *(last or [TimeDistributed(Dense(CLASSES))])
    model = Sequential([Input((None, 2)), *layers], dtype=dtype, **options)
    model.compile(SGD(1.0), loss or SparseCategoricalCrossentropy(from_logits=True), ["accuracy"])
    return model


LOSSES = [
    (lambda: Dense(3), SparseCategoricalCrossentropy(from_logits=True)),
    (lambda: TimeDistributed(Dense(3, "softmax")), SparseCategoricalCrossentropy()),
    (lambda: Dense(3, "softmax"), CategoricalCrossentropy(legacy_clip=True)),
    (lambda: Dense(3, "sigmoid"), BinaryCrossentropy()),
    (lambda: Dense(3), MeanSquaredError()),
]


def check_update(model, x, y):
    """An update with a rate of 1 takes the whole gradient off the weights."""
    objective = lambda: model.test_on_batch(x, y)[0]  # noqa: E731
    expected = {name: central_difference(objective, w) for name, w in model.params.items()}
    before = {name: w.copy() for name, w in model.params.items()}
    model.train_on_batch(x, y)
    for name, w in model.params.items():
        assert_allclose(before[name] - w, expected[name], rtol=1e-5, atol=1e-8, err_msg=name)
    return expected


@pytest.mark.parametrize("last, loss", LOSSES, ids=[str(loss) for _, loss in LOSSES])
def test_loss_and_gradient_over_valid_steps(last, loss):
    model = tagger(last(), loss=loss)
    x, y, mask = sequences(6)
    y = y if isinstance(loss, SparseCategoricalCrossentropy) else np.eye(3)[y]
    p = model.predict(x)
    terms = [loss(y[row, t][None], p[row, t][None]) for row, t in np.argwhere(mask)]
    assert_allclose(model.test_on_batch(x, y)[0], np.mean(terms), rtol=1e-10)
    check_update(model, x, y)


def test_gradient_of_a_chain_that_uses_its_mask_up():
    """Embedding(mask_zero) -> LSTM -> LSTM -> Dense: the mask goes through the first and ends in the second."""
    for zero in (False, True):
        first = LSTM(3, return_sequences=True, zero_output_for_mask=zero)
        model = Sequential([Embedding(9, 3, mask_zero=True), first, GRU(4), Dense(1)], dtype="float64")
        model.compile(SGD(1.0), BinaryCrossentropy(from_logits=True), ["acc"])
        x, y = tokens(5)
        model.build((None, None))
        assert not check_update(model, x, y)["embedding/embeddings"][0].any()


def test_padding_makes_no_difference():
    """Neither its length nor what stands in labels there."""
    x, y, mask = sequences()
    longer = np.concatenate([x, np.zeros((len(x), 3, 2), "float32")], axis=1)
    labels = np.concatenate([np.where(mask, y, -1), np.full((len(x), 3), 77)], axis=1)
    a, b = tagger(), tagger()
    assert_allclose(a.predict(longer)[:, :STEPS][mask], b.predict(x)[mask], rtol=1e-12)
    assert_allclose(a.evaluate(longer, labels), b.evaluate(x, y), rtol=1e-12)
    for model, arrays in ((a, (longer, labels)), (b, (x, y))):
        model.fit(*arrays, epochs=2, batch_size=6, verbose=0)
    for name, w in a.params.items():
        assert_allclose(w, b.params[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_metrics_over_valid_steps_and_batches():
    x, y, mask = sequences()
    model = tagger()
    right = model.predict(x).argmax(axis=-1) == y
    whole = model.evaluate(x, y, batch_size=len(x))
    assert whole[1] == pytest.approx(right[mask].mean())
    for batch_size in (1, 5, 24):  # the first batch of one has no valid step at all
        assert_allclose(model.evaluate(x, y, batch_size), whole, rtol=1e-12)


def test_metrics_get_the_valid_steps():
    seen = []

    def record(y_true, y_pred):
        seen.append((y_true.shape, y_pred.shape))
        return 0.0

    x, y, mask = sequences()
    model = tagger()
    model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True), [record])
    model.test_on_batch(x, y)
    assert seen == [((mask.sum(),), (mask.sum(), CLASSES))]


def test_a_batch_without_valid_steps_changes_nothing():
    x, y, _ = sequences()
    model = tagger()
    before = model.get_weights()
    assert model.train_on_batch(0 * x, y) == [0.0, 0.0]
    for a, b in zip(before, model.get_weights(), strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tagging_learns(dtype):
    x, y, _ = sequences(300)
    model = tagger(dtype=dtype, seed=1)
    model.compile(Adam(0.03), SparseCategoricalCrossentropy(from_logits=True), ["accuracy"])
    history = model.fit(x, y, epochs=12, batch_size=30, validation_data=sequences(100, seed=1)[:2], verbose=0)
    assert history.history["val_accuracy"][-1] > 0.8 > history.history["accuracy"][0]
    assert model.predict(x[:5]).dtype == dtype


def test_sentences_learn():
    (x, y), histories = tokens(400), []
    for _ in range(2):
        layers = [Embedding(9, 4, mask_zero=True), Dropout(0.1), LSTM(8, dropout=0.1), Dense(1, "sigmoid")]
        model = Sequential([Input((None,)), *layers])
        model.compile(Adam(0.03), "binary_crossentropy", ["acc"])
        histories.append(model.fit(x, y, epochs=12, batch_size=25, validation_split=0.25, verbose=0).history)
    assert histories[0]["val_acc"][-1] > 0.9
    assert histories[0] == histories[1]


def test_stateful_model_in_both_directions_validates_apart():
    x, y, _ = sequences(16)
    with pytest.warns(UserWarning, match="goes on from a batch that lies before"):
        models = [
            Sequential([Input((None, 2)), Masking(), Bidirectional(GRU(4, stateful=True)), Dense(CLASSES)])
            for _ in range(2)
        ]
    for model, validation in zip(models, (None, (x[:8], y[:8, 0])), strict=True):
        model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True))
        model.fit(x, y[:, 0], batch_size=8, epochs=2, shuffle=False, validation_data=validation, verbose=0)
    for a, b in zip(*(model.get_weights() for model in models), strict=True):
        assert_array_equal(a, b)
    states = [model.layers[1].state for model in models]
    assert_array_equal(states[0][1].h, states[1][1].h)
    models[0].reset_states(rows=[3])
    assert not models[0].layers[1].state[0].h[3].any() and models[0].layers[1].state[1].h[2].any()
    models[0].reset_states()
    assert models[0].layers[1].state == (None, None)


def test_encoder_and_decoder_of_layers():
    """The decoder starts from the encoder's final states; gradients flow back through them."""
    rng = np.random.default_rng(0)
    source, target, d = rng.standard_normal((3, 5, 2)), rng.standard_normal((3, 4, 2)), rng.standard_normal((3, 4, 3))
    encoder, decoder = LSTM(3, return_state=True), LSTM(3, return_sequences=True)
    for layer in (encoder, decoder):
        layer.build((None, None, 2), rng, "float64")
    mask = np.array([[1, 1, 1, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)

    def run():
        (_, *state), encoded = encoder.forward(source, mask=mask)
        output, decoded = decoder.forward(target, initial_state=state)
        return (output * d).sum(), encoded, decoded

    _, encoded, decoded = run()
    (_, *d_state), _ = decoder.backward(decoded, d)
    d_source, grads = encoder.backward(encoded, [None, *d_state])
    assert_allclose(d_source, central_difference(lambda: run()[0], source), rtol=1e-6, atol=1e-9)
    for name, w in encoder.params.items():
        assert_allclose(grads[name], central_difference(lambda: run()[0], w), rtol=1e-6, atol=1e-9, err_msg=name)


def test_summary_of_wrapped_layers(capsys):
    """Keras' counts."""
    layers = [
        Embedding(1000, 8, mask_zero=True),
        Bidirectional(LSTM(16, return_sequences=True)),
        TimeDistributed(Dense(7)),
        SimpleRNN(5),
        RepeatVector(2),
        Flatten(),
        Activation("relu"),
    ]
    model = Sequential([Input((20,)), *layers])
    model.summary()
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if "(None, " in line]
    assert [int(row[-1]) for row in rows] == [8000, 3200, 231, 65, 0, 0, 0]
    assert [layer.output_shape for layer in model.layers[1:]] == [
        *((None, 20, 32), (None, 20, 7), (None, 5), (None, 2, 5), (None, 10), (None, 10))
    ]
    assert model.count_params() == 11496


def test_weights_of_wrapped_layers_in_files(tmp_path):
    a, b = tagger(seed=0), tagger(seed=1)
    a.save_weights(tmp_path / "w.npz")
    b.load_weights(tmp_path / "w.npz")
    x = sequences()[0]
    assert_array_equal(a.predict(x), b.predict(x))
    assert list(a.params)[:2] == ["bidirectional/forward/kernel", "bidirectional/forward/recurrent_kernel"]


@pytest.mark.parametrize("device", ["cpu", "numpy"])
def test_device_reaches_the_layers_inside(device):
    model = Sequential([Input((None, 2)), Masking(), Bidirectional(GRU(3)), Dense(2)], device=device)
    assert model.layers[1].device == model.layers[1].backward_layer.device == device
    assert model.predict(sequences(4)[0]).shape == (4, 2)
    with pytest.raises(nr.InputError, match="no device 'tpu'"):
        Sequential([TimeDistributed(Bidirectional(GRU(3)))], device="tpu").predict(np.zeros((1, 2, 3, 4)))


def test_labels_must_fit_the_mask():
    x, y, _ = sequences()
    for labels in (y[:, 0], y[:, :4]):
        with pytest.raises(
            nr.InputError, match=r"labels: expected some for each step of the mask \(24, 6\), got shape \(24,"
        ):
            tagger().train_on_batch(x, labels)


def test_the_latest_mask_counts_in_both_ways_to_train():
    """As in Keras: a mask that a layer makes replaces those of the layers before."""
    x = np.random.default_rng(0).standard_normal((8, 6, 2)).astype("float32")
    x[:, 1], x[:3, 4:] = 0.0, 1.0  # zeros are masked by the first layer alone, ones by the second
    y = np.random.default_rng(1).integers(0, CLASSES, (8, 6))
    latest = (x != 1).any(axis=-1)

    def losses(**options):
        layers = Masking(0.0), Masking(1.0), LSTM(4, return_sequences=True), Dense(CLASSES)
        model = Sequential([Input((6, 2)), *layers], seed=2)
        model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True))
        scores = model.predict(x)[latest].astype("float64")
        expected = np.log(np.exp(scores).sum(-1)) - scores[np.arange(len(scores)), y[latest]]
        return model.fit(x, y, batch_size=8, shuffle=False, verbose=0, **options).history["loss"][0], expected.mean()

    for found, expected in (losses(), losses(truncate=(6, 6)), losses(truncate=(2, 6), update="sequence")):
        assert found == pytest.approx(expected, rel=1e-6)


def test_the_mask_of_the_data_holds_behind_any_layer():
    """Padding that a Masking does not know stays masked."""
    sources = [np.ones((n, 2), "float32") for n in (3, 5)]
    layers = lambda: [Masking(-1.0), GRU(3)]  # noqa: E731
    decoder = lambda: [GRU(3, return_sequences=True), Dense(2)]  # noqa: E731
    model = nr.EncoderDecoder(layers(), decoder(), start=np.zeros(2), seed=4)
    alone = model.generate(sources[:1], 2).values
    np.testing.assert_allclose(model.generate(sources, 2).values[:1], alone, rtol=1e-6)
