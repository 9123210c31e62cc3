import numpy as np
import pytest
from helpers.toy import X, assert_same_weights, classifier, data, fit
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn import Sequential
from numbarnn.layers import GRU, LSTM, Activation, Dense, Embedding, Input, SimpleRNN


# Keras' counts: the notebooks' models.
@pytest.mark.parametrize(
    "layers, counts, total",
    [
        ([Input((28, 28)), SimpleRNN(16), Dense(10), Activation("softmax")], [720, 170, 0], "890"),
        ([Input((28, 28)), SimpleRNN(150, "relu"), Dense(10, "softmax")], [26850, 1510], "28,360"),
        ([SimpleRNN(100, "relu", input_shape=(None, 1)), Dense(1)], [10200, 101], "10,301"),
        ([Input((500,)), Embedding(10000, 32), SimpleRNN(32), Dense(1)], [320000, 2080, 33], "322,113"),
        ([Input((None,)), Embedding(10000, 32), LSTM(32), Dense(1)], [320000, 8320, 33], "328,353"),
        (
            [Embedding(10000, 32, input_shape=(None,)), *(SimpleRNN(32, return_sequences=n < 3) for n in range(4))],
            [320000, *[2080] * 4],
            "328,320",
        ),
    ],
)
def test_summary(layers, counts, total, capsys):
    model = Sequential(layers)
    model.summary()
    text = capsys.readouterr().out
    rows = [line for line in text.splitlines() if "(None, " in line]
    assert [int(line.split()[-1]) for line in rows] == counts
    for line, layer in zip(rows, model.layers, strict=True):
        assert line.startswith(f"{layer.name} ({type(layer).__name__})") and str(layer.output_shape) in line
    assert f"Total params: {total}\nTrainable params: {total}\nNon-trainable params: 0\n" in text
    assert model.count_params() == sum(counts)


def test_stack_of_recurrent_layers():
    stack = [SimpleRNN(5, return_sequences=True), SimpleRNN(4, return_sequences=True), SimpleRNN(3)]
    model = classifier(*stack)
    assert [layer.name for layer in model.layers] == ["simple_rnn", "simple_rnn_1", "simple_rnn_2", "dense"]
    assert [layer.output_shape for layer in model.layers] == [(None, 6, 5), (None, 6, 4), (None, 3), (None, 3)]
    fit(model, *data(16))
    with pytest.raises(
        nr.InputError,
        match=r"lstm: expected inputs of shape \(batch, steps, features\), got \(None, 5\); "
        r"a recurrent layer in front of another one needs return_sequences=True",
    ):
        Sequential([Input((6, 2)), GRU(5), LSTM(4)])


def test_lazy_model_takes_any_number_of_steps():
    model = Sequential([GRU(4), Dense(2)])
    with pytest.raises(nr.InputError, match=r"summary needs parameters: start with Input\(shape\)"):
        model.summary()
    assert model.predict(np.ones((3, 7, 2))).shape == (3, 2)
    assert model.predict(np.ones((1, 9, 2))).shape == (1, 2)
    assert model.input_shape == (None, None, 2)
    same = Sequential([Input((None, 2)), GRU(4), Dense(2)])
    assert_same_weights(model, same)
    built = Sequential([GRU(4), Dense(2)])
    built.build((None, None, 2))
    assert_same_weights(model, built)


def test_weights_in_and_out():
    model = classifier(LSTM(4))
    weights = model.get_weights()
    assert [w.shape for w in weights] == [(2, 16), (4, 16), (16,), (4, 3), (3,)]
    assert list(model.params) == [
        *(f"lstm/{n}" for n in ("kernel", "recurrent_kernel", "bias")),
        "dense/kernel",
        "dense/bias",
    ]
    weights[0][:] = 7
    assert not (model.params["lstm/kernel"] == 7).any()
    model.set_weights(weights)
    assert model.layers[0].params["kernel"] is model.params["lstm/kernel"]
    assert (model.layers[0].params["kernel"] == 7).all() and model.params["lstm/kernel"].dtype == "float32"
    kept = model.get_weights()
    for bad, message in (
        (weights[:-1], "arrays of numbers of the shapes"),
        ([*weights[:-1], np.zeros(4)], "arrays of numbers of the shapes"),
        ([*weights[:-1], np.array(["a"] * 3)], "real numbers for dense/bias, got <U1"),
        ([weights[0] * 1j, *weights[1:]], "real numbers for lstm/kernel, got complex64"),
        (None, "a list of arrays of weights, got NoneType"),
    ):
        with pytest.raises(nr.InputError, match=f"sequential: expected {message}"):
            model.set_weights([w + 1 if w.dtype.kind == "f" else w for w in bad] if bad else bad)
    for a, b in zip(kept, model.get_weights(), strict=True):
        assert_array_equal(a, b)


def test_inputs_are_cast_to_the_dtype_of_the_model():
    model, (x, _) = classifier(), data()
    assert_array_equal(model.predict(x.astype("float64")), model.predict(x))
    pixels = np.random.default_rng(0).integers(0, 255, (4, 6, 2), dtype="uint8")
    assert_array_equal(model.predict(pixels), model.predict(pixels.astype("float32")))
    read_only = x.copy()
    read_only.flags.writeable = False
    assert_array_equal(model.predict(read_only[::2]), model.predict(x[::2]))


def test_layers_added_one_by_one():
    grown = Sequential()
    for layer in (Input((6, 2)), GRU(4, return_sequences=True), GRU(3), Dense(3)):
        grown.add(layer)
    listed = Sequential([GRU(4, return_sequences=True, input_shape=(6, 2)), GRU(3), Dense(3)])
    assert list(grown.params)[3:6] == ["gru_1/kernel", "gru_1/recurrent_kernel", "gru_1/bias"]
    assert_same_weights(grown, listed)
    assert_array_equal(grown.predict(X), listed.predict(X))
