"""Masks, initial states and what recurrent layers show at masked steps."""

import numpy as np
import pytest
from helpers import keras_reference
from helpers.layer_checks import check_gradients, make
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn.layers import (
    GRU,
    LSTM,
    RNN,
    Activation,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Masking,
    RepeatVector,
    SimpleRNN,
    TimeDistributed,
)

B, T, I, H = 6, 5, 2, 3
LAYERS = [(SimpleRNN, {}), (LSTM, {}), (GRU, {}), (GRU, {"reset_after": False})]
MODES = [{}, {"zero_output_for_mask": True}, {"unroll": True}]


def some_mask():
    """Rows: nothing valid; zeros at the start, in the middle, at the end; anything; all valid."""
    return np.array(
        [[0, 0, 0, 0, 0], [0, 0, 1, 1, 1], [1, 0, 0, 1, 1], [1, 1, 1, 0, 0], [0, 1, 0, 1, 0], [1, 1, 1, 1, 1]], bool
    )


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def states(layer, rng):
    return [rng.standard_normal((B, H)) for _ in layer.cell.state_size]


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("layer, options", LAYERS, ids=str)
def test_masked_steps_against_a_loop(layer, options, mode, go_backwards, rng):
    x, mask = rng.standard_normal((B, T, I)), some_mask()
    x[~mask] = np.nan  # padding is never looked at
    options = options | mode | {"go_backwards": go_backwards, "return_state": True}
    many, last = make(layer, H, return_sequences=True, **options), make(layer, H, **options)
    how = {"go_backwards": go_backwards, "zero": "zero_output_for_mask" in mode, "unroll": "unroll" in mode}
    for initial in (None, states(many, rng)):
        outputs, final = keras_reference.run(layer.__name__, many.params, x, mask, initial, **how)
        got, *got_states = many(x, mask=mask, initial_state=initial)
        assert_allclose(got, outputs, rtol=1e-12, atol=1e-14)
        for a, b in zip(got_states, final, strict=True):
            assert_allclose(a, b, rtol=1e-12, atol=1e-14)
        assert_allclose(last(x, mask=mask, initial_state=initial)[0], outputs[:, -1], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("return_state", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("layer", [SimpleRNN, LSTM])
def test_gradients_with_mask_and_initial_state(layer, mode, return_sequences, return_state, rng):
    backwards = layer is LSTM
    layer = make(layer, H, return_sequences=return_sequences, return_state=return_state, go_backwards=backwards, **mode)
    x, mask = rng.standard_normal((B, T, I)), some_mask()
    check_gradients(layer, x, mask=mask, initial_state=states(layer, rng))
    check_gradients(layer, x, mask=mask)
    check_gradients(layer, x, initial_state=states(layer, rng))


def test_one_state_may_come_alone(rng):
    layer, x, h = make(GRU, H), rng.standard_normal((B, T, I)), rng.standard_normal((B, H))
    assert_array_equal(layer(x, initial_state=h), layer(x, initial_state=[h]))
    _, saved = layer.forward(x, initial_state=h)
    d_x, d_h = layer.backward(saved, np.ones((B, H)))[0]
    assert d_x.shape == x.shape and d_h.shape == h.shape


def test_a_given_state_stands_in_for_that_of_a_stateful_layer(rng):
    layer, x = make(LSTM, H, stateful=True), rng.standard_normal((B, T, I))
    layer(x)
    given = states(layer, rng)
    output = layer(x, initial_state=given)
    assert_array_equal(output, make(LSTM, H)(x, initial_state=given))
    assert_array_equal(layer.state[0], output)


@pytest.mark.parametrize("options", [{}, {"zero_output_for_mask": True}], ids=str)
def test_stateful_with_masks(options, rng):
    """Two batches are one of twice the length; a row without valid steps keeps its state."""
    x, mask = rng.standard_normal((B, 2 * T, I)), np.concatenate([some_mask(), some_mask()[::-1]], axis=1)
    stateful = make(LSTM, H, stateful=True, return_sequences=True, **options)
    parts = [stateful(x[:, part], mask=mask[:, part]) for part in (slice(0, T), slice(T, None))]
    whole = make(LSTM, H, return_sequences=True, **options)(x, mask=mask)
    assert_allclose(np.concatenate(parts, axis=1), whole, rtol=1e-12, atol=1e-14)


def test_masks_that_layers_hand_on(rng):
    x, mask = rng.standard_normal((B, T, I)), some_mask()
    for layer in (
        Dense(4),
        Dropout(0.5),
        Activation("relu"),
        TimeDistributed(Dense(4)),
        LSTM(3, return_sequences=True),
    ):
        assert layer.compute_mask(x, mask) is mask
    for layer in (LSTM(3), RepeatVector(3), Flatten(), Embedding(5, 2)):
        assert layer.compute_mask(x, mask) is None
    backwards = GRU(3, return_sequences=True, go_backwards=True)
    assert_array_equal(backwards.compute_mask(x, mask), mask[:, ::-1])
    for layer in (Dense(4), GRU(3, return_sequences=True, go_backwards=True), Embedding(5, 2)):
        assert layer.compute_mask(x) is None


def test_masking(rng):
    x = rng.standard_normal((2, 3, 2))
    x[0, 1], x[1, 2], x[1, 0, 0] = -1, -1, -1
    layer = make(Masking, -1.0)
    mask = np.array([[True, False, True], [True, True, False]])
    assert_array_equal(layer.compute_mask(x, ~mask), mask)
    assert_array_equal(layer(x), np.where(mask[:, :, None], x, 0))
    d = rng.standard_normal(x.shape)
    assert_array_equal(layer.backward(layer.forward(x)[1], d)[0], np.where(mask[:, :, None], d, 0))
    assert Masking().forward(np.ones((1, 1, 1), "float32"))[0].dtype == "float32"


def test_embedding_with_mask_zero():
    tokens = np.array([[3, 0, 1], [0, 0, 0]])
    layer = make(Embedding, 4, 2, mask_zero=True, shape=(None, None))
    assert_array_equal(layer.compute_mask(tokens), tokens != 0)
    assert_array_equal(layer(tokens), layer.params["embeddings"][tokens])


def test_repeat_vector_and_flatten(rng):
    check_gradients(make(RepeatVector, 3, shape=(None, 4)), rng.standard_normal((2, 4)))
    assert RepeatVector(3).build((None, 4)) == (None, 3, 4)
    x = rng.standard_normal((2, 4))
    assert_array_equal(RepeatVector(3)(x), np.stack([x, x, x], axis=1))
    layer = make(Flatten, shape=(None, 3, 4))
    assert layer.output_shape == (None, 12) and Flatten().build((None, None, 4)) == (None, None)
    x = rng.standard_normal((2, 3, 4))
    assert_array_equal(layer(x), x.reshape(2, 12))
    check_gradients(layer, x)


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_time_distributed_dense_is_dense(activation, rng):
    x, mask = rng.standard_normal((B, T, I)), some_mask()
    wrapped = make(TimeDistributed, Dense(4, activation), shape=(None, T, I))
    dense = make(Dense, 4, activation)
    assert wrapped.output_shape == (None, T, 4) and list(wrapped.params) == ["kernel", "bias"]
    assert_allclose(wrapped(x, mask=mask), dense(x), rtol=1e-14)
    check_gradients(wrapped, x)
    saved, d = wrapped.forward(x)[1], rng.standard_normal((B, T, 4))
    assert_allclose(wrapped.pre_activation(saved), make(Dense, 4)(x), rtol=1e-14)
    assert wrapped.last_activation == dense.last_activation
    d_x, grads = wrapped.backward(saved, d, from_pre_activation=True)
    expected_d_x, expected = dense.backward(dense.forward(x)[1], d, from_pre_activation=True)
    assert_allclose(d_x, expected_d_x, rtol=1e-12, atol=1e-14)
    assert_allclose(grads["kernel"], expected["kernel"], rtol=1e-12)


def test_time_distributed_recurrent_layer_reads_a_sequence_in_every_step(rng):
    x, mask = rng.standard_normal((2, 3, T, I)), np.stack([some_mask()[:3], some_mask()[3:]])
    layer, inner = make(TimeDistributed, LSTM(H), shape=(None, 3, T, I)), make(LSTM, H)
    outputs = layer(x, mask=mask)
    assert layer.output_shape == (None, 3, H)
    for step in range(3):
        assert_allclose(outputs[:, step], inner(x[:, step], mask=mask[:, step]), rtol=1e-12)
    assert_array_equal(layer.compute_mask(x, mask), [[False, True, True], [True, True, True]])
    check_gradients(layer, x, mask=mask)


def test_time_distributed_embedding():
    tokens = np.array([[[1, 2], [0, 3]]])
    layer = make(TimeDistributed, Embedding(4, 2), shape=(None, 2, 2))
    assert layer.takes_integers
    assert_array_equal(layer(tokens), layer.params["embeddings"][tokens])
    check_gradients(layer, tokens)


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize(
    "cells",
    [
        nr.LSTMCell(H),
        [nr.GRUCell(4), nr.LSTMCell(H)],
        [nr.LSTMCell(4), nr.SimpleRNNCell(H)],
        nr.ResidualWrapper(nr.GRUCell(I)),
        nr.ZoneoutWrapper(nr.LSTMCell(H, num_proj=2), zoneout_c=0.2),
    ],
    ids=str,
)
def test_rnn_runs_any_cell(cells, zero, rng):
    x, mask = rng.standard_normal((B, T, I)), some_mask()
    layer = make(RNN, cells, return_sequences=True, return_state=True, zero_output_for_mask=zero)
    run = nr.forward(layer.cell, layer.params, x, mask=mask)
    outputs, *final = layer(x, mask=mask)
    assert layer.output_shape[0] == (None, None, layer.cell.output_size)
    assert flat_shapes(layer.output_shape[1:]) == [(None, s.shape[1]) for s in flat(final)]
    assert len(layer.output_shape) == 1 + len(final)
    assert_array_equal(outputs[mask], run.outputs[mask])
    assert_array_equal(np.concatenate(flat(final), axis=1), np.concatenate(flat(run.state), axis=1))
    for row in range(B):  # in masked steps, zero or the output before
        for t in range(T):
            if not mask[row, t]:
                expected = 0 if zero or t == 0 else outputs[row, t - 1]
                assert_array_equal(outputs[row, t], np.broadcast_to(expected, outputs[row, t].shape))
    last = make(RNN, cells, zero_output_for_mask=zero)
    assert_array_equal(last(x, mask=mask), outputs[:, -1])
    check_gradients(last, x, mask=mask)
    check_gradients(make(RNN, cells, return_sequences=True, zero_output_for_mask=zero), x, mask=mask)


def flat_shapes(shapes):
    return [n for s in shapes for n in (flat_shapes(s) if isinstance(s[0], tuple) else [s])]


def flat(states):
    return [a for s in states for a in (flat(s) if isinstance(s, tuple) else [s])]


def test_rnn_with_an_initial_state_of_a_stack(rng):
    """Ahead of the first valid step stands h of the last cell, as in Keras."""
    layer = make(RNN, [nr.SimpleRNNCell(4), nr.LSTMCell(H)], return_sequences=True)
    x, mask = rng.standard_normal((B, T, I)), some_mask()
    state = layer.cell.zero_state(B, "float64")
    h, c = rng.standard_normal((2, B, H))
    output, saved = layer.forward(x, mask=mask, initial_state=[state[0], (h, c)])
    assert_array_equal(output[0], np.broadcast_to(h[0], (T, H)))
    assert_array_equal(output[1, :2], np.broadcast_to(h[1], (2, H)))
    (_, _, (d_h, d_c)), _ = layer.backward(saved, np.ones((B, T, H)))
    assert_array_equal(d_h[0], np.full(H, T))
    assert_array_equal(d_c[0], np.zeros(H))


def test_rnn_of_integers(rng):
    cell = nr.EmbeddingWrapper(nr.GRUCell(H), embedding_classes=7, embedding_size=4)
    layer = make(RNN, cell, shape=(None, None))
    tokens = rng.integers(0, 7, (B, T))
    assert layer.takes_integers and layer.output_shape == (None, H)
    assert_array_equal(layer(tokens), nr.forward(cell, layer.params, tokens).outputs[:, -1])


def test_stateful_stack(rng):
    x = rng.standard_normal((B, 2 * T, I))
    cells = [nr.LSTMCell(4), nr.GRUCell(H)]
    layer = make(RNN, cells, stateful=True)
    layer(x[:, :T])
    assert_allclose(layer(x[:, T:]), make(RNN, cells)(x), rtol=1e-12)
    layer.reset_states(rows=[1, 4])
    assert not layer.state[0].c[4].any() and not layer.state[1].h[1].any() and layer.state[0].h[0].any()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: make(GRU, 3)(np.zeros((2, 5, 2)), mask=np.ones((2, 4), bool)), r"expected mask of shape \(2, 5\)"),
        (lambda: make(GRU, 3)(np.zeros((2, 5, 2)), mask=np.ones((2, 5))), "expected mask of dtype bool, got float64"),
        (
            lambda: make(LSTM, 3)(np.zeros((2, 5, 2)), initial_state=np.zeros((2, 3))),
            r"expected initial_state to be State\(h, c\)",
        ),
        (
            lambda: make(LSTM, 3)(np.zeros((2, 5, 2)), initial_state=[np.zeros((2, 3)), np.zeros((2, 4))]),
            r"expected initial_state.c of shape \(2, 3\), got \(2, 4\)",
        ),
        (lambda: RNN(3), r"rnn: expected a cell such as LSTMCell\(units\), got 3"),
        (lambda: RNN([]), "MultiRNNCell: expected a list of cells"),
        (lambda: TimeDistributed(3), r"time_distributed: expected a layer such as LSTM\(10\), got 3"),
        (
            lambda: TimeDistributed(LSTM(3, return_state=True)),
            "expected a layer with one output, got lstm with several",
        ),
        (lambda: TimeDistributed(LSTM(3, stateful=True)), "expected a layer that is not stateful"),
        (lambda: TimeDistributed(make(Dense, 3)), "expected a new layer, got dense, which is in use already"),
        (lambda: TimeDistributed(Dense(3)).build((None, 5)), r"expected inputs of shape \(batch, steps, ...\)"),
        (lambda: Masking("a"), "masking: expected mask_value to be a number, got 'a'"),
        (lambda: RepeatVector(0), "repeat_vector: expected n to be a positive integer, got 0"),
        (
            lambda: RepeatVector(2).build((None, 3, 4)),
            r"expected inputs of shape \(batch, features\), got \(None, 3, 4\)",
        ),
        (lambda: LSTM(3, zero_output=True), "LSTM: .* it takes units, activation"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(nr.InputError, match=message):
        call()
