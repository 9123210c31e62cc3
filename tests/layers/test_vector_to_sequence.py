"""From one vector to a sequence: at the first step, at every step, or as the initial state."""

import numpy as np
import pytest
from helpers.layer_checks import check_gradients, make
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn.layers import GRU, LSTM, RNN, Bidirectional, Dense, Input, SimpleRNN, VectorToSequence

B, T, H = 3, 4, 5
LAYERS = [SimpleRNN, LSTM, GRU]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("kind", LAYERS)
def test_inputs_are_the_vector_and_zeros_or_the_vector_again(kind, rng):
    """The seed's definition of vector to sequence, and Keras' habit."""
    x = rng.standard_normal((B, 2))
    for mode in ("first", "repeat"):
        layer = make(VectorToSequence, kind(H, return_sequences=True), T, mode, shape=(None, 2))
        sequence = np.zeros((B, T, 2))
        sequence[:, 0] = x
        if mode == "repeat":
            sequence[:] = x[:, None]
        run = nr.forward(layer.layer.cell, layer.layer.params, sequence)
        assert layer.output_shape == (None, T, H)
        assert_array_equal(layer(x), run.outputs)


@pytest.mark.parametrize("kind", LAYERS)
def test_the_vector_as_state(kind, rng):
    x = rng.standard_normal((B, H))
    layer = make(VectorToSequence, kind(H, return_sequences=True), T, "state", shape=(None, H))
    cell = layer.layer.cell
    state = cell.zero_state(B, "float64")._replace(h=x)
    assert layer.params["kernel"].shape[0] == 1
    assert_array_equal(layer(x), nr.forward(cell, layer.layer.params, np.zeros((B, T, 1)), initial_state=state).outputs)


def test_the_vector_as_state_of_a_stack_is_that_of_its_last_cell(rng):
    cells = [nr.GRUCell(3), nr.LSTMCell(H)]
    layer = make(VectorToSequence, RNN(cells), T, "state", shape=(None, H))
    x = rng.standard_normal((B, H))
    state = (cells[0].zero_state(B, "float64"), cells[1].zero_state(B, "float64")._replace(h=x))
    run = nr.forward(layer.layer.cell, layer.layer.params, np.zeros((B, T, 1)), initial_state=state)
    assert_array_equal(layer(x), run.state[1].h)
    check_gradients(layer, x)


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("mode", ["first", "repeat", "state"])
@pytest.mark.parametrize("kind", LAYERS)
def test_gradients(kind, mode, return_sequences, rng):
    layer = make(VectorToSequence, kind(H, return_sequences=return_sequences), T, mode, shape=(None, H))
    check_gradients(layer, rng.standard_normal((B, H)))


def test_dropout_is_drawn_in_training(rng):
    layer = make(VectorToSequence, LSTM(H, return_sequences=True, dropout=0.5), T, "repeat", shape=(None, 4))
    x = rng.standard_normal((B, 4))
    check_gradients(layer, x)
    assert np.any(layer(x, True, 2) != layer(x))


def test_learns_to_unfold_a_vector():
    """A phase in, a wave out: needs the gradient into the initial state, since all else are constants."""
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, 200)
    x = np.stack([np.cos(phase), np.sin(phase)], axis=1)
    y = np.sin(phase[:, None] + np.arange(8) / 2)[..., None]
    model = nr.Sequential(
        [
            Input((2,)),
            Dense(12, "tanh"),
            VectorToSequence(SimpleRNN(12, return_sequences=True), 8, "state"),
            Dense(1),
        ]
    )
    model.compile(nr.optimizers.Adam(0.02), "mse")
    loss = model.fit(x, y, batch_size=50, epochs=40, verbose=0).history["loss"]
    assert loss[0] > 0.2 and loss[-1] < 0.01


@pytest.mark.parametrize(
    "build, message",
    [
        (lambda: VectorToSequence(Dense(3), T), "recurrent layer"),
        (lambda: VectorToSequence(Bidirectional(LSTM(3)), T), "recurrent layer"),
        (lambda: VectorToSequence(LSTM(3), 0), "steps to be a positive integer"),
        (lambda: VectorToSequence(LSTM(3), T, "last"), "mode out of first, repeat, state"),
        (lambda: VectorToSequence(LSTM(3, return_state=True), T), "one output"),
        (lambda: VectorToSequence(LSTM(3, stateful=True), T), "not stateful"),
        (lambda: VectorToSequence(LSTM(3), T, "state").build((None, 4)), "a vector as wide as the state, 3"),
        (lambda: VectorToSequence(LSTM(3), T).build((None, 5, 4)), r"inputs of shape \(batch, features\)"),
        (
            lambda: VectorToSequence(RNN(nr.OutputProjectionWrapper(nr.LSTMCell(3), 2)), T, "state"),
            "a cell whose output is one of its states",
        ),
    ],
)
def test_errors(build, message):
    with pytest.raises(nr.InputError, match=message):
        build()
