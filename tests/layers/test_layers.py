from dataclasses import fields

import numpy as np
import pytest
from helpers.layer_checks import check_gradients, make
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn import layers
from numbarnn.activations import ELU, ScaledTanh, Threshold
from numbarnn.layers import GRU, LSTM, Activation, Dense, Dropout, Embedding, Input, SimpleRNN
from numbarnn.maths import ACTIVATIONS, sigmoid

B, T, I, H = 3, 5, 2, 4
RECURRENT = [
    (SimpleRNN, {"activation": "tanh"}),
    (SimpleRNN, {"activation": "relu", "use_bias": False}),
    (LSTM, {}),
    (GRU, {}),
    (GRU, {"reset_after": False}),
]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("return_state", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("layer, options", RECURRENT[:1] + RECURRENT[2:], ids=str)
def test_gradients_of_recurrent_layers(layer, options, go_backwards, return_sequences, return_state, rng):
    shown = {"go_backwards": go_backwards, "return_sequences": return_sequences, "return_state": return_state}
    check_gradients(make(layer, H, **options, **shown), rng.standard_normal((B, T, I)))


@pytest.mark.parametrize("layer, options", RECURRENT, ids=str)
def test_gradients_outside_training(layer, options, rng):
    """What was run with save="minimal" has the same gradient."""
    check_gradients(make(layer, H, **options), rng.standard_normal((B, T, I)), training=False)


@pytest.mark.parametrize("layer, options", RECURRENT, ids=str)
def test_outputs_are_those_of_the_cell(layer, options, rng):
    x = rng.standard_normal((B, T, I))
    recurrent = make(layer, H, return_sequences=True, return_state=True, **options)
    run = nr.forward(recurrent.cell, recurrent.params, x)
    output, *state = recurrent(x)
    assert_array_equal(output, run.outputs)
    for a, b in zip(state, run.state, strict=True):
        assert_array_equal(a, b)
    assert_array_equal(make(layer, H, **options)(x), run.outputs[:, -1])


def test_options_reach_the_cell():
    gates = {"activation": "softsign", "recurrent_activation": "hard_sigmoid_keras2", "use_bias": False}
    assert SimpleRNN(3, "relu", use_bias=False).cell == nr.SimpleRNNCell(3, activation="relu", use_bias=False)
    assert LSTM(3, **gates).cell == nr.LSTMCell(3, **gates)
    for reset_after, kind in (True, nr.ResetAfterGRUCell), (False, nr.GRUCell):
        cell = GRU(3, reset_after=reset_after, **gates).cell
        options = {field.name: getattr(cell, field.name) for field in fields(cell)}
        assert isinstance(cell, kind) and kind(**options) == kind(3, **gates)
    assert LSTM(3, None, recurrent_activation=None).cell == nr.LSTMCell(
        3, activation="linear", recurrent_activation="linear"
    )


@pytest.mark.parametrize("layer, options", RECURRENT, ids=str)
def test_go_backwards_reads_the_flipped_sequence(layer, options, rng):
    x = rng.standard_normal((B, T, I))
    forwards = make(layer, H, return_sequences=True, **options)
    backwards = make(layer, H, return_sequences=True, go_backwards=True, **options)
    assert_allclose(backwards(x), forwards(x[:, ::-1]), rtol=1e-12)
    assert_array_equal(make(layer, H, go_backwards=True, **options)(x), backwards(x)[:, -1])


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("layer, options", RECURRENT, ids=str)
def test_stateful_passes_are_one_long_pass(layer, options, go_backwards, rng):
    x = rng.standard_normal((B, 2 * T, I))
    parts = (x[:, T:], x[:, :T]) if go_backwards else (x[:, :T], x[:, T:])
    shown = {"return_sequences": True, "go_backwards": go_backwards, **options}
    long, stateful = make(layer, H, **shown), make(layer, H, stateful=True, **shown)
    joined = np.concatenate([stateful(part) for part in parts], axis=1)
    assert_allclose(joined, long(x), rtol=1e-12)

    first = stateful.forward(parts[0])[0]  # goes on
    assert np.abs(first - joined[:, :T]).max() > 1e-3
    stateful.reset_states()
    assert_array_equal(stateful(parts[0]), joined[:, :T])


def test_stateful_gradient_takes_the_state_as_a_constant(rng):
    layer = make(LSTM, H, stateful=True, return_sequences=True)
    x, d = rng.standard_normal((B, T, I)), rng.standard_normal((B, T, H))
    layer(x)
    state = [s.copy() for s in layer.state]
    _, run = layer.forward(2 * x, True)
    d_x, grads = layer.backward(run, d)
    expected = nr.forward(layer.cell, layer.params, 2 * x, initial_state=state).backward(d)
    assert_array_equal(d_x, expected.inputs)
    assert_array_equal(grads["kernel"], expected.params["kernel"])


def test_reset_states_of_rows(rng):
    layer, fresh = make(LSTM, H, stateful=True), make(LSTM, H)
    layer.reset_states(rows=[0])  # nothing to forget yet
    x = rng.standard_normal((B, T, I))
    first = layer(x)
    layer.reset_states(rows=np.array([True, False, True]))
    second = layer(x)
    assert_array_equal(second[[0, 2]], fresh(x)[[0, 2]])
    assert np.abs(second[1] - first[1]).max() > 1e-3
    layer.reset_states(rows=[1])
    assert not layer.state[0][1].any() and layer.state[1][2].any()


def test_reset_states_to_given_ones(rng):
    layer, x = make(LSTM, H, stateful=True), rng.standard_normal((B, T, I))
    states = [rng.standard_normal((B, H)) for _ in range(2)]
    layer.reset_states(states)
    assert_array_equal(layer(x), nr.forward(layer.cell, layer.params, x, initial_state=states).outputs[:, -1])
    gru = make(GRU, H, stateful=True)
    gru.reset_states(states[0])
    assert_array_equal(gru.state[0], states[0])
    with pytest.raises(nr.InputError, match="states or rows, got both"):
        gru.reset_states(states[0], rows=[0])
    with pytest.raises(nr.InputError, match=r"lstm: expected a batch that goes on from states of shapes \(\(3, 4\)"):
        layer(x[:2])


def test_a_state_does_not_change_with_the_output_handed_out(rng):
    layer, x = make(SimpleRNN, H, stateful=True), rng.standard_normal((B, T, I))
    output = layer(x)
    kept = output.copy()
    output[:] = 0
    assert_array_equal(layer.state[0], kept)


def test_initialisers_of_recurrent_layers():
    layer = LSTM(H, kernel_initializer="ones", recurrent_initializer="identity", bias_initializer="ones")
    assert layer.build((None, None, I)) == (None, H)
    assert_array_equal(layer.params["kernel"], np.ones((I, 4 * H), "float32"))
    assert_array_equal(layer.params["recurrent_kernel"], np.eye(H, 4 * H))
    plain = LSTM(H, unit_forget_bias=False)
    plain.build((None, None, I))
    assert not plain.params["bias"].any()
    default = LSTM(H)
    default.build((None, None, I), rng=3)
    for name, array in default.cell.init_params(I, rng=3).items():
        assert_array_equal(default.params[name], array)
    assert_array_equal(default.params["bias"].reshape(4, H).sum(axis=1), [0, H, 0, 0])


WITH_PARAMETERS = ELU(0.3), ScaledTanh(1.7, 0.6), Threshold(0.2, 0.1)


@pytest.mark.parametrize("shape", [(B, I), (B, T, I), (2, B, T, I)])
@pytest.mark.parametrize("activation", [None, *ACTIVATIONS, *WITH_PARAMETERS, "softmax", "log_softmax"])
def test_gradients_of_dense(activation, shape, rng):
    layer = make(Dense, 4, activation, shape=(None, *shape[1:]), use_bias=activation != "tanh")
    assert layer.output_shape == (None, *shape[1:-1], 4)
    check_gradients(layer, rng.standard_normal(shape))


@pytest.mark.parametrize("activation", [*ACTIVATIONS, *WITH_PARAMETERS, "softmax", "log_softmax"])
def test_gradients_of_activation(activation, rng):
    check_gradients(make(Activation, activation), rng.standard_normal((B, T, I)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sigmoid_keeps_its_digits(dtype):
    x = np.linspace(-80, 80, 10_001, dtype=dtype)
    exact = np.longdouble(1) / (1 + np.exp(-x.astype(np.longdouble)))
    assert_allclose(sigmoid(x), exact, rtol=4 * np.finfo(dtype).eps)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        assert_array_equal(sigmoid(np.array([-np.inf, -1e4, 1e4, np.inf], dtype)), [0, 0, 1, 1])


def test_pre_activation(rng):
    x, d = rng.standard_normal((B, I)), rng.standard_normal((B, 4))
    layer = make(Dense, 4, "softmax", shape=(None, I))
    linear = make(Dense, 4, shape=(None, I))
    output, saved = layer.forward(x)
    assert_array_equal(layer.pre_activation(saved), linear(x))
    assert_allclose(output.sum(axis=1), 1, rtol=1e-14)
    (d_x, grads), (expected_d_x, expected) = (
        layer.backward(saved, d, from_pre_activation=True),
        linear.backward(saved, d),
    )
    assert_array_equal(d_x, expected_d_x)
    for name in ("kernel", "bias"):
        assert_array_equal(grads[name], expected[name])
    last = Activation("sigmoid")
    _, saved = last.forward(x)
    assert last.pre_activation(saved) is x and last.backward(saved, d, True)[0] is d


def test_softmax_of_large_scores():
    assert_array_equal(Activation("softmax")(np.array([[1e4, 1e4, -1e4]], "float32")), [[0.5, 0.5, 0]])


def test_embedding_adds_up_in_token_order(rng):
    tokens = rng.integers(0, 7, (B, 40))
    check_gradients(make(Embedding, 7, 3, shape=(None, None)), tokens[:, :4])
    for dtype in ("float32", "float64"):
        layer = Embedding(7, 3)
        layer.build((None, None), dtype=dtype)
        d = rng.standard_normal((B, 40, 3)).astype(dtype)
        expected = np.zeros((7, 3), dtype)
        np.add.at(expected, tokens, d)
        d_x, grads = layer.backward(layer.forward(tokens)[1], d.transpose(1, 0, 2).copy().transpose(1, 0, 2))
        assert d_x is None and grads["embeddings"].dtype == dtype
        assert_array_equal(grads["embeddings"], expected)


def test_embedding_looks_up(rng):
    layer = Embedding(5, 3)
    assert layer.build((None, None)) == (None, None, 3)
    table = layer.params["embeddings"]
    assert table.dtype == "float32" and 0.03 < np.abs(table).max() <= 0.05
    assert_array_equal(layer(np.array([[4, 0], [4, 4]], "uint8")), table[[[4, 0], [4, 4]]])
    for tokens, message in [
        ([[5]], "embedding: expected integers from 0 to 4, got 5 to 5"),
        ([[-1]], "got -1 to -1"),
        ([[1.0]], "expected integer inputs, got float64"),
    ]:
        with pytest.raises(nr.InputError, match=message):
            layer(tokens)


def test_dropout(rng):
    x = rng.standard_normal((400, 50)).astype("float32") + 9
    layer = Dropout(0.3)
    assert layer(x) is x
    assert Dropout(0.0)(x, training=True) is x
    y = layer(x, True, 5)
    assert y.dtype == "float32"
    kept = y != 0
    assert 0.69 < kept.mean() < 0.71
    assert_allclose(y[kept], x[kept] / 0.7, rtol=1e-6)
    assert_array_equal(layer(x, True, 5), y)
    assert np.any(layer(x, True, 6) != y)
    check_gradients(Dropout(0.4), rng.standard_normal((B, I)))
    with pytest.raises(
        nr.InputError, match="dropout: expected rng, a NumPy Generator or a seed, in training, got None"
    ):
        layer(x, training=True)


@pytest.mark.parametrize(
    "name", ["SimpleRNN", "LSTM", "GRU", "Dense", "Embedding", "Dropout", "Activation", "BatchNormalization"]
)
def test_float32_stays(name):
    args = {"Embedding": (9, 4), "Dropout": (0.5,), "Activation": ("elu",), "BatchNormalization": ()}.get(name, (4,))
    layer = getattr(layers, name)(*args)
    x = np.arange(6).reshape(1, 3, 2) if name == "Embedding" else np.ones((1, 3, 2), "float32")
    layer.build((None, None, 2))
    y, saved = layer.forward(x, True, 0)
    d_x, grads = layer.backward(saved, y)
    assert y.dtype == "float32" and (name == "Embedding" or d_x.dtype == "float32")
    assert all(g.dtype == "float32" for g in grads.values())


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: SimpleRNN(0), "SimpleRNNCell: expected units to be a positive integer, got 0"),
        (lambda: SimpleRNN(3, "swift"), "no activation 'swift'"),
        (lambda: LSTM(3, recurrent_activation="softmax"), "no recurrent_activation 'softmax'"),
        (lambda: LSTM(3, dropuot=0.1), "LSTM: .*it takes units, activation, name, input_shape, .*use_bias"),
        (lambda: GRU(), "GRU: missing a required argument: 'units'"),
        (lambda: GRU(3, kernel_initializer="glorot"), "initializer: expected a callable or one of"),
        (lambda: Dense(2.5), "Dense: expected units to be an integer, got 2.5"),
        (lambda: Dense(2, "swift"), "dense: expected an activation out of tanh"),
        (lambda: Embedding(0, 3), "embedding: expected input_dim to be a positive integer, got 0"),
        (lambda: Dropout(1.0), r"dropout: expected a rate in \[0, 1\), got 1.0"),
        (lambda: Activation("swift"), "activation: expected an activation out of"),
        (lambda: Input(28), r"input: expected the shape of one sample, such as \(28, 28\)"),
        (lambda: Input((28, 0)), "input: expected the shape"),
        (lambda: SimpleRNN(3).build((None, 28)), "needs return_sequences=True"),
        (lambda: Dense(3)(np.zeros(4, "float32")), "dense: expected inputs of shape"),
        (lambda: make(Dense, 3)(np.zeros((2, 5))), r"expected float64 inputs \(batch, ..., 2\), got float64 of shape"),
        (lambda: make(Dense, 3).forward(np.zeros((2, I), "float32")), r"got float32 of shape \(2, 2\)"),
        (
            lambda: make(SimpleRNN, 3)(np.zeros((2, 5, 3))),
            r"SimpleRNNCell: expected inputs of .* with the 2 features of the parameters, got \(2, 5, 3\)",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(nr.InputError, match=message):
        call()
