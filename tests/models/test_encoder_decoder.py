"""Encoder and decoder against a loop in autograd, row by row and without padding; decoding against the loop's."""

import copy

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from helpers.layer_checks import central_difference
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn.layers import GRU, LSTM, RNN, Bidirectional, Dense, Dropout, Embedding, Flatten, Masking, SimpleRNN

SOURCE = [np.array([1, 4, 2, 2]), np.array([3]), np.array([], int), np.array([2, 5, 1])]  # of 6 tokens
TARGET = [np.array([1, 3]), np.array([4, 4, 2]), np.array([2, 0, 3, 1, 1]), np.array([], int)]  # of 5
START = 4


def sigmoid(x):
    return 0.5 * (anp.tanh(0.5 * x) + 1)


def lstm(params, name, x, h, c):
    H = len(params[f"{name}/recurrent_kernel"])
    z = x @ params[f"{name}/kernel"] + h @ params[f"{name}/recurrent_kernel"] + params[f"{name}/bias"]
    i, f, g, o = (z[k * H : (k + 1) * H] for k in range(4))
    c = sigmoid(f) * c + sigmoid(i) * anp.tanh(g)
    return sigmoid(o) * anp.tanh(c), c


def run(params, names, x, states):
    """The steps x, one vector after the other, through a stack; the states after it."""
    outputs = []
    for row in x:
        for k, name in enumerate(names):
            states = [*states[:k], lstm(params, name, row, *states[k]), *states[k + 1 :]]
            row = states[k][0]
        outputs.append(row)
    return outputs, states


def scores(params, source, given):
    """One row of the model of `stack`: scores of each target step."""
    zeros = [(np.zeros(H), np.zeros(H)) for H in (3, 7)]
    _, states = run(params, ["lstm", "lstm_1"], params["embedding/embeddings"][source], zeros)
    outputs, _ = run(params, ["lstm_2", "lstm_3"], params["embedding_1/embeddings"][given], states)
    return [y @ params["dense/kernel"] + params["dense/bias"] for y in outputs]


def loss(params):
    """Mean cross-entropy over all valid target steps."""
    total, steps = 0.0, 0
    for source, target in zip(SOURCE, TARGET, strict=True):
        for z, k in zip(scores(params, source, [START, *target[:-1]][: len(target)]), target, strict=True):
            top = anp.max(z)
            total, steps = total + top + anp.log(anp.sum(anp.exp(z - top))) - z[k], steps + 1
    return total / steps


def stack(last="softmax", **options):
    """Two LSTM layers on each side, with parameters that are all random."""
    encoder = [Embedding(6, 4), LSTM(3, return_sequences=True), LSTM(7)]
    decoder = [Embedding(5, 2), LSTM(3, return_sequences=True), LSTM(7, return_sequences=True), Dense(5, last)]
    return randomized(nr.EncoderDecoder(encoder, decoder, start=START, **{"dtype": "float64"} | options))


def randomized(model, x=SOURCE, loss="sparse_categorical_crossentropy"):
    model.compile("sgd", loss, ["accuracy"] if loss != "mse" else [])
    model._inputs(nr.Padded.of(x).values)  # built
    rng = np.random.default_rng(1)
    for array in model.params.values():
        array[...] = rng.standard_normal(array.shape)
    return model


def gradients(model, x, y):
    """What one update by plain gradient descent of rate 1 takes away from the parameters."""
    before = {name: array.copy() for name, array in model.params.items()}
    model.compile(nr.optimizers.SGD(1.0), model.loss)
    model.train_on_batch(x, y)
    return {name: before[name] - array for name, array in model.params.items()}


def test_loss_and_gradients_against_autograd():
    """Lengths on both sides, zero among them; the gradient reaches the encoder through the states of both layers."""
    model = stack()
    params = {name: array.copy() for name, array in model.params.items()}
    assert_allclose(model.evaluate(SOURCE, TARGET)[0], loss(params), rtol=1e-12)
    found, expected = gradients(model, SOURCE, TARGET), grad(loss)(params)
    assert found.keys() == expected.keys()
    for name in expected:
        assert np.abs(expected[name]).max() > 1e-3
        assert_allclose(found[name], expected[name], rtol=1e-11, atol=1e-13, err_msg=name)


def test_outputs_under_teacher_forcing():
    model = stack("linear")
    outputs = model.predict(SOURCE, TARGET)
    assert outputs.shape == (4, 5, 5)
    for source, target, row in zip(SOURCE, TARGET, outputs, strict=True):
        expected = scores(model.params, source, [START, *target[:-1]][: len(target)])
        for a, b in zip(row, expected, strict=False):
            assert_allclose(a, b, rtol=1e-12)
    valid = nr.Padded.of(TARGET).mask
    assert_allclose(model.predict(SOURCE, TARGET, batch_size=3)[valid], outputs[valid], rtol=1e-12, atol=1e-14)


def test_what_stands_in_padding_does_not_matter():
    x, y = nr.Padded.of(SOURCE), nr.Padded.of(TARGET)
    assert_array_equal(x.lengths, [4, 1, 0, 3])
    assert x.values.shape == (4, 4) and y.values.shape == (4, 5)
    other = [
        nr.Padded(np.where(np.arange(p.values.shape[1]) < p.lengths[:, None], p.values, -9), p.lengths) for p in (x, y)
    ]
    assert stack().evaluate(*other) == stack().evaluate(x, y)
    found, expected = gradients(stack(), *other), gradients(stack(), x, y)
    for name in expected:
        assert_array_equal(found[name], expected[name])


def bidirectional():
    encoder = [
        Embedding(6, 2, mask_zero=True),
        Bidirectional(GRU(2, return_sequences=True)),
        LSTM(3, go_backwards=True),
    ]
    decoder = [Embedding(5, 2), GRU(4, return_sequences=True), LSTM(3, return_sequences=True), Dense(5, "softmax")]
    return randomized(nr.EncoderDecoder(encoder, decoder, start=0, dtype="float64"))


def cells():
    encoder = [Embedding(6, 3), RNN([nr.GRUCell(3), nr.UGRNNCell(2)])]
    decoder = [Embedding(5, 2), RNN([nr.GRUCell(3), nr.UGRNNCell(2)], return_sequences=True), Dense(5, "softmax")]
    return randomized(nr.EncoderDecoder(encoder, decoder, start=0, dtype="float64", device="numpy"))


@pytest.mark.parametrize("build", [bidirectional, cells])
def test_gradients_against_differences(build):
    """Both directions side by side, masks of an embedding, stacks of cells."""
    model = build()
    value = lambda: model.evaluate(SOURCE, TARGET)[0]  # noqa: E731
    expected = {name: central_difference(value, array) for name, array in model.params.items()}
    found = gradients(model, SOURCE, TARGET)
    for name in expected:
        assert_allclose(found[name], expected[name], rtol=1e-6, atol=1e-8, err_msg=name)


def vectors():
    encoder, decoder = [SimpleRNN(6)], [SimpleRNN(6, return_sequences=True), Dense(2)]
    return randomized(
        nr.EncoderDecoder(encoder, decoder, start=[0.5, -1.0], dtype="float64"), np.zeros((1, 1, 3)), "mse"
    )


def test_vectors():
    """Feedback of the output itself, gradients and decoding; targets of unequal lengths."""
    model, rng = vectors(), np.random.default_rng(0)
    x, y = rng.standard_normal((4, 5, 3)), nr.Padded(rng.standard_normal((4, 6, 2)), np.array([6, 2, 0, 3]))
    y.values[~y.mask] = np.nan
    value = lambda: model.evaluate(x, y)  # noqa: E731
    expected = {name: central_difference(value, array) for name, array in model.params.items()}
    found = gradients(vectors(), x, y)
    for name in expected:
        assert_allclose(found[name], expected[name], rtol=1e-6, atol=1e-8, err_msg=name)
    written = model.generate(x, 6)
    assert_array_equal(written.lengths, 6)
    assert_allclose(model.predict(x, written), written.values, rtol=1e-12)
    small = lambda vector: np.abs(vector[:, 0]) < 1.0  # noqa: E731
    ended = model.generate(x, 6, stop=small)
    for row, whole, n in zip(ended.values, written.values, ended.lengths, strict=True):
        first = np.flatnonzero(small(whole))
        assert n == (first[0] + 1 if len(first) else 6)
        assert_array_equal(row[:n], whole[:n])
        assert not row[n:].any()
    assert np.ptp(ended.lengths) > 0


@pytest.mark.parametrize("last", ["softmax", "linear"])
def test_greedy_decoding_is_a_fixed_point_of_teacher_forcing(last):
    """Read what was written: the likeliest token at every step is what was written there."""
    model = stack(last)
    written = model.generate(SOURCE, 9)
    assert_array_equal(written.lengths, 9)
    assert_array_equal(model.predict(SOURCE, written).argmax(axis=-1), written.values)
    for source, row in zip(SOURCE, written.values, strict=True):  # and what the loop writes
        tokens = []
        for _ in range(9):
            tokens.append(int(np.argmax(scores(model.params, source, [START, *tokens])[-1])))
        assert_array_equal(row, tokens)
    assert len({tuple(row) for row in written.values}) > 1


def test_rows_end_at_different_times():
    model = stack()
    whole, stop = model.generate(SOURCE, 9, temperature=1.0, seed=1), 2
    ended = model.generate(SOURCE, 9, temperature=1.0, seed=1, stop=stop)
    for row, untouched, n in zip(ended.values, whole.values, ended.lengths, strict=True):
        first = np.flatnonzero(untouched == stop)
        assert n == (first[0] + 1 if len(first) else 9)
        assert_array_equal(row[:n], untouched[:n])
        assert not row[n:].any()
    assert np.ptp(ended.lengths) > 0 and ended.values.shape[1] == ended.lengths.max()


def test_sampling_takes_a_seed_and_a_temperature():
    model = stack()
    draw = lambda t, seed: model.generate(SOURCE, 9, temperature=t, seed=seed).values  # noqa: E731
    assert_array_equal(draw(1.0, 3), draw(1.0, 3))
    assert np.any(draw(1.0, 3) != draw(1.0, 4))
    assert_array_equal(draw(1e-9, 3), draw(0.0, 0))


def test_learns_to_reverse():
    """A decoder without the encoder's state gets one token in five right."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 5, 600)
    x = [rng.integers(1, 5, n) for n in lengths]
    y = [np.append(row[::-1], 0) for row in x]
    encoder = [Embedding(5, 8), LSTM(24)]
    decoder = [Embedding(6, 8), LSTM(24, return_sequences=True), Dense(5, "softmax")]
    model = nr.EncoderDecoder(encoder, decoder, start=5)
    model.compile(nr.optimizers.Adam(0.02), "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(x[100:], y[100:], batch_size=25, epochs=12, validation_data=(x[:100], y[:100]), verbose=0)
    assert history.history["accuracy"][0] < 0.6 < 0.95 < history.history["val_accuracy"][-1]
    written = model.generate(x[:100], 8, stop=0).rows()
    right = [len(a) == len(b) and bool(np.all(a == b)) for a, b in zip(written, y[:100], strict=True)]
    assert np.mean(right) > 0.9


def test_same_seed_same_bits_and_weights_in_files(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, (40, 4)), rng.integers(0, 5, (40, 3))

    def trained(seed):
        encoder = [Embedding(6, 4), LSTM(5, dropout=0.2)]
        decoder = [Embedding(5, 4), LSTM(5, return_sequences=True), Dropout(0.2), Dense(5)]
        model = nr.EncoderDecoder(encoder, decoder, start=0, seed=seed)
        model.compile("adam", nr.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(x, y, batch_size=16, epochs=2, validation_split=0.25, verbose=0)
        return model

    a, b, other = trained(1), trained(1), trained(2)
    for name in a.params:
        assert_array_equal(a.params[name], b.params[name])
    a.save_weights(tmp_path / "weights.npz")
    other.load_weights(tmp_path / "weights.npz")
    assert_array_equal(other.predict(x, y), a.predict(x, y))
    assert a.predict(x, y).dtype == "float32"


def test_a_copy_has_parameters_of_its_own():
    model = stack()
    other = copy.deepcopy(model)
    assert_array_equal(other.predict(SOURCE, TARGET), model.predict(SOURCE, TARGET))
    other.params["dense/bias"] += 1
    assert np.any(other.predict(SOURCE, TARGET) != model.predict(SOURCE, TARGET))
    assert np.all(other.params["dense/bias"] == model.params["dense/bias"] + 1)


def test_summary(capsys):
    stack().summary()
    printed = capsys.readouterr().out
    total = (
        6 * 4 + 4 * 3 * (4 + 3 + 1) + 4 * 7 * (3 + 7 + 1) + 5 * 2 + 4 * 3 * (2 + 3 + 1) + 4 * 7 * (3 + 7 + 1) + 5 * 8
    )
    assert f"Total params: {total:,}" in printed
    for name in ("embedding", "lstm", "lstm_1", "embedding_1", "lstm_2", "lstm_3", "dense"):
        assert f"{name} (" in printed


def simple(encoder=None, decoder=None, start=0):
    decoder = [Embedding(5, 2), LSTM(3, return_sequences=True), Dense(5)] if decoder is None else decoder
    return nr.EncoderDecoder([LSTM(3)] if encoder is None else encoder, decoder, start=start)


@pytest.mark.parametrize(
    "build, message",
    [
        (lambda: simple(encoder=[]), "an encoder that ends with a recurrent layer, got none"),
        (lambda: simple(encoder=[LSTM(3), Dense(2)]), "an encoder that ends with a recurrent layer, got LSTM, Dense"),
        (lambda: simple(decoder=[]), "layers such as LSTM.* got none"),
        (lambda: simple(decoder=[Embedding(5, 2, mask_zero=True), LSTM(3)]), "without Input, Masking and mask_zero"),
        (lambda: simple(decoder=[Masking(), LSTM(3)]), "without Input, Masking and mask_zero"),
        (lambda: simple(decoder=[Embedding(5, 2), LSTM(3)]), "return_sequences=True"),
        (lambda: simple(encoder=[LSTM(3, stateful=True)]), "not stateful"),
        (lambda: simple(encoder=[LSTM(4)]), r"states of the sizes \[\[4, 4\]\], got \[\[3, 3\]\]"),
        (lambda: simple(encoder=[GRU(3)]), r"states of the sizes \[\[3\]\], got \[\[3, 3\]\]"),
        (lambda: simple(decoder=[Embedding(5, 2), Bidirectional(LSTM(3))]), "step by step, got Bidirectional"),
        (lambda: simple(decoder=[LSTM(3, go_backwards=True)]), "step by step, got LSTM with go_backwards"),
        (lambda: simple(decoder=[LSTM(3, return_sequences=True), Flatten()]), "step by step, got Flatten"),
        (lambda: simple(start=[0.0]), "start to be a token"),
        (lambda: simple(decoder=[LSTM(3, return_sequences=True), Dense(2)], start=0), "start to be a vector"),
    ],
)
def test_errors_of_parts(build, message):
    with pytest.raises(nr.InputError, match=message):
        build()


@pytest.mark.parametrize(
    "use, message",
    [
        (lambda m: m.fit(SOURCE, TARGET[:2]), "as many labels as samples"),
        (lambda m: m.predict(SOURCE, TARGET[:2]), "as many targets as sources"),
        (lambda m: m.fit(SOURCE, np.zeros((4, 3, 5))), "targets of integers"),
        (lambda m: m.fit(np.zeros((4, 3)), TARGET), "integers of shape"),
        (lambda m: m.fit(SOURCE, TARGET, truncate=(2, 4)), "fit with truncate"),
        (lambda m: m.fit(None, TARGET), r"fit: expected sources in an array .* or a list of arrays .* got NoneType"),
        (
            lambda m: m.fit([np.zeros((2, 1)), np.zeros((2, 3))], TARGET),
            r"fit: expected sources of one shape .* \(2, 3\)",
        ),
        (lambda m: nr.Padded(np.zeros((2, 3)), [1, 4]), "lengths from 0 to 3"),
        (lambda m: nr.Padded(np.zeros((2, 3)), [1.0, 2.0]), "an integer length for each row"),
        (lambda m: m.generate(SOURCE, 0), "steps to be a positive integer"),
        (lambda m: m.generate(SOURCE, 3, temperature=-1), "temperature to be a number of at least 0"),
        (lambda m: vectors().generate(np.zeros((2, 3, 3)), 3, temperature=1.0), "no temperature"),
    ],
)
def test_errors_of_data(use, message):
    with pytest.raises(nr.InputError, match=message):
        use(stack())
