"""The lines of the TensorFlow 1 notebooks with which they make cells and unroll them, as they are printed.

What differs: `nr` stands for `tf.nn`, `tf.nn.rnn_cell` and `tf.contrib.rnn`, `np` for the dtypes and functions of `tf`,
params come after the cell, and arrays take the place of placeholders.
"""

import numpy as np
import pytest

import numbarnn as nr

n_steps = 2
n_inputs = 3
n_neurons = 5
X0 = np.array([[0,1,2], [3,4,5], [6,7,8], [9,0,1]])  # t = 0  # fmt: skip
X1 = np.array([[9,8,7], [0,0,0], [6,5,4],[3,2,1]])  # t = 1  # fmt: skip
X = np.array([
    [[0,1,2],[9,6,7]], #instance 0
    [[3,4,5], [0,0,0]], #instance 1
    [[6,7,8], [6,5,4]], #instance 2
    [[9,0,1], [3,2,1]], #instance 3
])  # fmt: skip


@pytest.fixture(autouse=True)
def no_compilation(monkeypatch):
    """These lines name no device: they run on the NumPy engine."""
    from numbarnn.engines import dispatch, reference

    monkeypatch.setattr(dispatch, "engine", lambda *_: reference)


# fmt: off
def test_without_any_rnn_operation():
    rng = np.random.default_rng(42)
    Wx = rng.normal(size = [n_inputs, n_neurons])
    Wy = rng.normal(size = [n_neurons, n_neurons])
    b = np.zeros([1, n_neurons])

    Y0 = np.tanh(np.matmul(X0, Wx) + b)
    Y1 = np.tanh(np.matmul(Y0, Wy) + np.matmul(X1, Wx) + b)

    basic_cell = nr.BasicRNNCell(num_units = n_neurons)
    params = {"kernel": Wx, "recurrent_kernel": Wy, "bias": b[0]}
    output_seqs, states = nr.static_rnn(basic_cell, params, [X0,X1], dtype = np.float64)
    np.testing.assert_allclose(output_seqs, [Y0, Y1], rtol=0, atol=1e-14)
    assert np.array_equal(states.h, output_seqs[-1])


def test_static_unrolling():
    basic_cell = nr.BasicRNNCell(num_units = n_neurons)
    params = basic_cell.init_params(n_inputs)
    output_seqs , states = nr.static_rnn(basic_cell, params, [X0,X1],
                                     dtype = np.float32)

    Y0, Y1 = output_seqs
    assert Y0.shape == Y1.shape == (4, 5) and Y0.dtype == np.float32
    assert np.array_equal(states.h, Y1)


def test_static_unrolling_of_one_array():
    X_seqs = list(np.transpose(X, [1,0,2]))
    basic_cell = nr.BasicRNNCell(num_units = n_neurons)
    params = basic_cell.init_params(n_inputs)

    output_seqs, states = nr.static_rnn(basic_cell, params, X_seqs, dtype = np.float32)

    outputs = np.transpose(np.stack(output_seqs), [1,0,2])
    assert outputs.shape == (4, n_steps, n_neurons) and states.h.shape == (4, n_neurons)

    outputs_dynamic, _ = nr.dynamic_rnn(basic_cell, params, X, dtype = np.float32)
    assert np.array_equal(outputs, outputs_dynamic)


def test_variable_length():
    seq_length = np.array([2, 1, 2, 2])
    basic_cell = nr.BasicRNNCell(num_units = n_neurons)
    params = basic_cell.init_params(n_inputs)
    outputs, states = nr.dynamic_rnn(basic_cell, params, X,
                                        dtype = np.float32,
                                       sequence_length = seq_length)
    assert not outputs[1, 1].any() and np.array_equal(states.h[1], outputs[1, 0])
    swapped, _ = nr.dynamic_rnn(basic_cell, params, X, dtype = np.float32, sequence_length = seq_length,
                                swap_memory = True)
    assert np.array_equal(swapped, outputs)


def test_keras_cell_in_tensorflows_functions():
    basic_cell = nr.SimpleRNNCell(units=n_neurons)
    params = basic_cell.init_params(n_inputs)
    output_seqs, states = nr.static_rnn(basic_cell, params, [X0, X1],
                                        dtype=np.float32)
    outputs, states_dynamic = nr.dynamic_rnn(basic_cell, params, np.stack([X0, X1], axis=1), dtype=np.float32)
    assert np.array_equal(outputs, nr.stack_time(output_seqs)) and np.array_equal(states.h, states_dynamic.h)


def relu(x):
    """`tf.nn.relu`."""
    return np.maximum(x, 0)


def test_output_projection():
    n_neurons = 100
    n_outputs = 1
    X = np.zeros((6, 20, 1))

    cell = nr.BasicRNNCell(num_units = n_neurons, activation = relu)
    outputs, states = nr.dynamic_rnn(cell, cell.init_params(1, dtype = np.float64), X, dtype = np.float64)
    assert outputs.shape == (6, 20, 100)

    cell = nr.OutputProjectionWrapper(
        nr.BasicRNNCell(num_units = n_neurons, activation = relu),
        output_size = n_outputs
    )
    outputs, states = nr.dynamic_rnn(cell, cell.init_params(1, dtype = np.float64), X, dtype = np.float64)
    assert outputs.shape == (6, 20, 1) and states.h.shape == (6, 100)


def test_sequence_classifier():
    """The lines of the graph; its loss and its step of training follow in NumPy."""
    n_steps = 28
    n_inputs = 28
    n_neurons = 150
    n_outputs = 10

    learning_rate = 0.001
    X = np.random.default_rng(0).random((20, n_steps * n_inputs)).reshape((-1, n_steps, n_inputs))
    y = np.arange(20) % n_outputs

    basic_cell = nr.BasicRNNCell(num_units = n_neurons)
    params = basic_cell.init_params(n_inputs, dtype = np.float64)
    W = nr.initializers.glorot_uniform((n_neurons, n_outputs), 0, np.float64)
    run = outputs, states = nr.dynamic_rnn(basic_cell, params, X, dtype = np.float64)
    assert outputs.shape == (20, 28, 150)

    logits = states.h @ W
    xentropy = nr.losses.SparseCategoricalCrossentropy(from_logits = True)
    loss, d_logits = xentropy.value_and_gradient(y, logits)
    optimizer = nr.optimizers.TF1Adam(learning_rate = learning_rate)
    optimizer.apply(params, run.backward(d_state = (d_logits @ W.T,)).params)
    accuracy = nr.metrics.in_top_k(logits, y, 1)
    assert accuracy == nr.metrics.in_top_k(y, logits, 1) == np.mean(logits.argmax(1) == y)
    _, states = nr.dynamic_rnn(basic_cell, params, X, dtype = np.float64)
    assert xentropy(y, states.h @ W) < loss


def test_creative_rnn():
    n_steps = 20
    n_inputs = 1
    n_neurons = 100
    n_outputs = 1
    cell = nr.OutputProjectionWrapper(
        nr.BasicRNNCell(num_units = n_neurons, activation = relu),
        output_size = n_outputs
    )
    params = cell.init_params(n_inputs, dtype = np.float64)
    params["projection_bias"][:] = 0.1

    sequence = [0.]*n_steps #seed sequence that are n_steps long
    for _ in range(30):
        X_batch = np.array(sequence[-n_steps:]).reshape(1, n_steps, 1)
        y_pred, _ = nr.dynamic_rnn(cell, params, X_batch, dtype = np.float64)
        sequence.append(y_pred[0,-1,0])
    assert len(sequence) == n_steps + 30 and sequence[n_steps] == 0.1 != sequence[-1]


def test_deep_rnns():
    """`[basic_cell]*n_layers` are three layers in a loop: one object has one set of weights."""
    X = np.zeros((6, 20, 1), "float32")
    n_neurons = 100
    n_layers = 3

    basic_cell = nr.BasicRNNCell(num_units = n_neurons)
    multi_layer_cell = nr.MultiRNNCell([basic_cell]*n_layers)
    with pytest.raises(nr.InputError, match="make a cell for each place"):
        multi_layer_cell.init_params(1)
    multi_layer_cell = nr.MultiRNNCell([nr.BasicRNNCell(num_units = n_neurons) for _ in range(n_layers)])
    params = multi_layer_cell.init_params(1)
    outputs, states = nr.dynamic_rnn(multi_layer_cell, params, X, dtype = np.float32)
    assert [s.h.shape for s in states] == [(6, 100)] * 3
    multi_layer_cell = nr.MultiRNNCell(multi_layer_cell.cells, state_is_tuple = False)
    outputs, states = nr.dynamic_rnn(multi_layer_cell, params, X, dtype = np.float32)
    assert states.shape == (6, n_layers * n_neurons)

    keep_prob = 0.5
    cell = nr.BasicRNNCell(num_units = n_neurons)
    cell_drop = nr.DropoutWrapper(cell, input_keep_prob = keep_prob)
    with pytest.raises(nr.InputError, match="make a cell for each place"):
        nr.MultiRNNCell([cell_drop]*n_layers).init_params(1)
    cells = [nr.BasicRNNCell(num_units = n_neurons) for _ in range(n_layers)]
    cell_drop = [nr.DropoutWrapper(cell, input_keep_prob = keep_prob) for cell in cells]
    multi_layer_cell = nr.MultiRNNCell(cell_drop)
    rnn_outputs, states = nr.dynamic_rnn(multi_layer_cell, params, X, dtype = np.float32)
    assert np.array_equal(rnn_outputs, outputs)


def test_gated_cells():
    lstm_cell = nr.BasicLSTMCell(num_units=n_neurons)
    assert lstm_cell.zero_state(4)._fields == ("h", "c")
    lstm_cell = nr.BasicLSTMCell(num_units=n_neurons, state_is_tuple = False)
    assert lstm_cell.zero_state(4).shape == (4, 2 * n_neurons)
    lstm_cell = nr.LSTMCell(num_units = n_neurons, use_peepholes = True)
    assert lstm_cell.init_params(n_inputs)["peephole"].shape == (3, n_neurons)
    gru_cell = nr.GRUCell(num_units = n_neurons)
    outputs, states = nr.dynamic_rnn(gru_cell, gru_cell.init_params(n_inputs), X, dtype = np.float32)
    assert outputs.shape == (4, n_steps, n_neurons) and states.h.shape == (4, n_neurons)
# fmt: on
