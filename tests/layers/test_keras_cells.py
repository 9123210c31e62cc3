"""Cells under Keras' names: initial values, dropout, gradients in Keras' order, and how layers take them."""

import pickle

import numpy as np
import pytest
from helpers.layer_checks import check_gradients, make
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn import initializers
from numbarnn import layers as L

B, T, I, H = 3, 4, 2, 3
CELLS = {
    "SimpleRNN": (L.SimpleRNN, L.SimpleRNNCell, {}),
    "LSTM": (L.LSTM, L.LSTMCell, {}),
    "LSTM f": (L.LSTM, L.LSTMCell, {"unit_forget_bias": False, "bias_initializer": "ones"}),
    "GRU": (L.GRU, L.GRUCell, {}),
    "GRU before": (L.GRU, L.GRUCell, {"reset_after": False}),
    "GRU no bias": (L.GRU, L.GRUCell, {"use_bias": False, "activation": None, "recurrent_activation": "hard_sigmoid"}),
}
SAME = {
    "kernel_initializer": initializers.constant(0.2),
    "recurrent_initializer": initializers.constant(-0.3),
    "bias_initializer": initializers.constant(0.1),
}


@pytest.mark.parametrize("case", CELLS)
def test_a_cell_is_its_layer(case):
    layer, cell, options = CELLS[case]
    x = np.random.default_rng(0).standard_normal((B, T, I)).astype("float32")
    alone, in_rnn = layer(H, **SAME | options), L.RNN(cell(H, **SAME | options))
    assert_array_equal(in_rnn(x), alone(x))
    for a, b in zip(in_rnn.get_weights(), alone.get_weights(), strict=True):
        assert_array_equal(a, b)
    fresh, other = L.RNN(cell(H, **options)), layer(H, **options)
    for made in (fresh, other):
        made.build((None, T, I))
    assert [w.shape for w in fresh.get_weights()] == [w.shape for w in other.get_weights()]
    for name in {"bias"} & fresh.params.keys():
        assert_array_equal(fresh.params[name], other.params[name])


@pytest.mark.parametrize(
    "dropout", [{}, {"dropout": 0.4}, {"recurrent_dropout": 0.3}, {"dropout": 0.2, "recurrent_dropout": 0.3}]
)
@pytest.mark.parametrize("case", ["LSTM", "GRU", "GRU before"])
def test_dropout_and_gradients(case, dropout):
    _, cell, options = CELLS[case]
    x = np.random.default_rng(0).standard_normal((B, T, I))
    layer, without = (make(L.RNN, cell(H, **options | d), return_sequences=True) for d in (dropout, {}))
    assert_array_equal(layer(x), without(x))
    assert bool(dropout) == (layer(x, training=True, rng=1) != without(x)).any()
    check_gradients(layer, x)


def test_dropout_of_inputs_is_the_same_at_every_step():
    layer = L.RNN(L.SimpleRNNCell(1, None, kernel_initializer="ones", recurrent_initializer="zeros", dropout=0.5))
    layer = L.RNN(layer.cell, return_sequences=True)
    y = layer(np.ones((64, T, 1), "float32"), training=True, rng=0)
    assert_array_equal(y, np.repeat(y[:, :1], T, axis=1))
    assert set(np.unique(y)) == {0.0, 2.0}


def test_a_masked_start_shows_the_initial_h_with_dropout_too():
    mask = np.arange(T) >= np.array([[0], [2], [T]])
    x, h = np.ones((B, T, I), "float32"), np.full((B, H), 0.5, "float32")
    expected = L.RNN(L.GRUCell(H, **SAME), return_sequences=True)(x, mask=mask, initial_state=h)
    found = L.RNN(L.GRUCell(H, dropout=0.5, **SAME), return_sequences=True)(x, mask=mask, initial_state=h)
    assert_array_equal(found, expected)


def test_initial_states():
    layer = L.RNN([L.LSTMCell(2), L.GRUCell(H)], return_state=True)
    (h, c), last = layer.get_initial_state(B)
    assert [(s.shape, s.dtype, s.any()) for s in (h, c, last)] == [((B, n), "float32", False) for n in (2, 2, H)]
    x = np.ones((B, T, I))
    expected = layer(x)
    assert_array_equal(layer(x, initial_state=layer.get_initial_state(batch_size=B))[0], expected[0])
    assert layer.get_initial_state(1)[1].dtype == "float64"


def test_what_a_cell_lacks():
    for cell in (L.LSTMCell(2), nr.GRUCell(2), nr.ResidualWrapper(nr.SimpleRNNCell(2))):
        with pytest.raises(nr.InputError, match=r"expected cell\.step\(params, x, states\), .* got cell\(x, states\)"):
            cell(np.ones((1, 2)), [np.ones((1, 2))])
    with pytest.raises(nr.InputError, match="unexpected keyword argument 'kernel_regularizer'"):
        L.GRUCell(2, kernel_regularizer="l2")


def test_everything_made_pickles():
    options = {"kernel_initializer": initializers.uniform(-1, 1), "bias_initializer": initializers.constant(2.0)}
    for layer in (L.RNN(L.GRUCell(H, **options)), L.GRU(H, **options), L.RNN(L.LSTMCell(H, dropout=0.1, **options))):
        copy = pickle.loads(pickle.dumps(layer))
        x = np.ones((B, T, I), "float32")
        assert_array_equal(copy(x), layer(x))
