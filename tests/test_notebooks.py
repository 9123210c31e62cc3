"""What the TensorFlow 1 notebooks compute: the numbers behind their lines, and the shapes that they print.

`test_notebooks_printed` and `test_notebooks_keras` have the lines themselves.
"""

import numpy as np
import pytest

import numbarnn as nr

X_BATCH = np.array(
    [
        # step 0     step 1
        [[0, 1, 2], [9, 8, 7]],  # instance 0
        [[3, 4, 5], [0, 0, 0]],  # instance 1 (padded with a zero vector)
        [[6, 7, 8], [6, 5, 4]],  # instance 2
        [[9, 0, 1], [3, 2, 1]],  # instance 3
    ]
)
X0_BATCH, X1_BATCH = X_BATCH[:, 0], X_BATCH[:, 1]


class TestBasicRNNs:
    """Four instances, two steps, three inputs, five neurons."""

    n_inputs, n_neurons = 3, 5

    @pytest.fixture
    def weights(self):
        rng = np.random.default_rng(42)
        Wx = rng.standard_normal((self.n_inputs, self.n_neurons), "float32")
        Wy = rng.standard_normal((self.n_neurons, self.n_neurons), "float32")
        b = np.zeros((1, self.n_neurons), "float32")
        return Wx, Wy, b

    @pytest.fixture
    def params(self, weights):
        Wx, Wy, b = weights
        return {"kernel": Wx, "recurrent_kernel": Wy, "bias": b[0]}

    def test_without_any_rnn_operation(self, weights, params):
        Wx, Wy, b = weights
        Y0 = np.tanh(X0_BATCH @ Wx + b)
        Y1 = np.tanh(Y0 @ Wy + X1_BATCH @ Wx + b)
        assert Y0.shape == Y1.shape == (4, 5)
        basic_cell = nr.BasicRNNCell(num_units=self.n_neurons)
        output_seqs, _ = nr.static_rnn(basic_cell, params, [X0_BATCH, X1_BATCH], dtype=np.float32)
        np.testing.assert_allclose(output_seqs, [Y0, Y1], rtol=0, atol=3e-6)

    @pytest.mark.parametrize("device", ["cpu", "numpy"])
    def test_unrolled_by_hand_statically_and_dynamically(self, params, device):
        """Bit for bit the same."""
        basic_cell = nr.BasicRNNCell(num_units=self.n_neurons)
        Y0, state = basic_cell.step(params, X0_BATCH.astype(np.float32), device=device)
        Y1, state = basic_cell.step(params, X1_BATCH.astype(np.float32), state, device=device)

        output_seqs, states = nr.static_rnn(basic_cell, params, [X0_BATCH, X1_BATCH], dtype=np.float32, device=device)
        assert isinstance(output_seqs, list)
        assert np.array_equal(output_seqs, [Y0, Y1])
        assert np.array_equal(states.h, Y1) and np.array_equal(state.h, Y1)  # the final state is the last output

        X_seqs = nr.unstack_time(X_BATCH)
        output_seqs, states = nr.static_rnn(basic_cell, params, X_seqs, dtype=np.float32, device=device)
        outputs = nr.stack_time(output_seqs)
        assert outputs.shape == (4, 2, 5)
        assert np.array_equal(outputs, np.stack([Y0, Y1], axis=1))

        outputs, states = nr.dynamic_rnn(basic_cell, params, X_BATCH, dtype=np.float32, device=device)
        assert outputs.shape == (4, 2, 5) and states.h.shape == (4, 5)
        assert np.array_equal(outputs, np.stack([Y0, Y1], axis=1)) and np.array_equal(states.h, Y1)

    @pytest.mark.parametrize("device", ["cpu", "numpy"])
    @pytest.mark.parametrize("make", [nr.BasicRNNCell, nr.BasicLSTMCell, nr.GRUCell])
    def test_variable_length(self, make, device):
        """Zero vectors past the end, and the state of the last valid step, bit for bit."""
        seq_length_batch = np.array([2, 1, 2, 2])
        cell = make(num_units=self.n_neurons)
        params = cell.init_params(self.n_inputs, rng=42)
        options = {"dtype": np.float32, "sequence_length": seq_length_batch, "device": device}
        output_val, states_val = nr.dynamic_rnn(cell, params, X_BATCH, **options)
        assert output_val.shape == (4, 2, 5) and states_val.h.shape == (4, 5)
        assert not output_val[1, 1].any() and output_val[[0, 2, 3]].all()
        assert np.array_equal(states_val.h[1], output_val[1, 0])
        assert np.array_equal(states_val.h[[0, 2, 3]], output_val[[0, 2, 3], 1])

        steps, states = nr.static_rnn(cell, params, [X0_BATCH, X1_BATCH], **options)
        assert np.array_equal(nr.stack_time(steps), output_val)
        assert all(np.array_equal(a, b) for a, b in zip(states, states_val, strict=True))

    def test_the_padding_is_not_read(self, params):
        """Neither the outputs nor the gradient know what stands there."""
        x = X_BATCH.astype(np.float32)
        other = x.copy()
        other[1, 1] = np.nan
        cell, options = nr.BasicRNNCell(num_units=5), {"dtype": np.float32, "sequence_length": [2, 1, 2, 2]}
        runs = [nr.dynamic_rnn(cell, params, inputs, **options) for inputs in (x, other)]
        grads = [run.backward(np.ones((4, 2, 5), "float32")) for run in runs]
        assert np.array_equal(*(run.outputs for run in runs)) and np.array_equal(*(g.inputs for g in grads))
        assert not grads[0].inputs[1, 1].any()
        for name in params:
            assert np.array_equal(*(g.params[name] for g in grads))


def dense(x, w, b):
    return x @ w + b


def test_training_a_sequence_classifier():
    """Images row by row, 150 neurons, a dense layer on the final state; here images of 8 x 8 pixels."""
    n_steps = n_inputs = 8
    n_neurons, n_outputs = 150, 10
    learning_rate = 0.001
    (X_train, y_train), (X_test, y_test) = nr.datasets.digits()

    basic_cell = nr.BasicRNNCell(num_units=n_neurons)
    params = basic_cell.init_params(n_inputs, rng=42)
    params["w"] = nr.initializers.glorot_uniform((n_neurons, n_outputs), np.random.default_rng(42), "float32")
    params["b"] = np.zeros(n_outputs, "float32")
    rnn = {name: params[name] for name in basic_cell.param_shapes(n_inputs)}  # the same arrays
    xentropy = nr.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = nr.optimizers.Adam(learning_rate)

    def accuracy(X, y):
        _, states = nr.dynamic_rnn(basic_cell, rnn, X, save="minimal")
        return np.mean(dense(states.h, params["w"], params["b"]).argmax(1) == y)

    n_epochs, batch_size = 3, 50
    rng = np.random.default_rng(42)
    before = accuracy(X_test, y_test)
    for _ in range(n_epochs):
        for rows in np.array_split(rng.permutation(len(X_train)), len(X_train) // batch_size):
            X_batch, y_batch = X_train[rows].reshape(-1, n_steps, n_inputs), y_train[rows]
            run = nr.dynamic_rnn(basic_cell, rnn, X_batch)
            _, states = run
            _, d_logits = xentropy.value_and_gradient(y_batch, dense(states.h, params["w"], params["b"]))
            grads = run.backward(d_state=(d_logits @ params["w"].T,)).params
            optimizer.apply(params, grads | {"w": states.h.T @ d_logits, "b": d_logits.sum(0)})
    assert before < 0.3 and accuracy(X_test, y_test) > 0.87


class TestTimeSeries:
    """Twenty values of sin(t)/3 + 2 sin(5t), and the same one step later; 100 ReLU neurons, one output a step."""

    n_steps, n_inputs, n_neurons, n_outputs = 20, 1, 100, 1

    @pytest.fixture
    def cell(self):
        return nr.OutputProjectionWrapper(
            nr.BasicRNNCell(num_units=self.n_neurons, activation="relu"), output_size=self.n_outputs
        )

    @pytest.fixture
    def batches(self):
        series = nr.datasets.sine_mixture().astype("float32")
        return nr.datasets.make_windows(series, self.n_steps, count=50 * 40, rng=1)

    def test_output_projection_wrapper_trains_and_goes_on_alone(self, cell, batches):
        params = cell.init_params(self.n_inputs, rng=42)
        optimizer, mse, losses = nr.optimizers.Adam(0.001), nr.losses.MeanSquaredError(), []
        for X_batch, y_batch in zip(*(np.split(a, 40) for a in batches), strict=True):
            run = nr.dynamic_rnn(cell, params, X_batch)
            assert run.outputs.shape == y_batch.shape == (50, 20, 1)
            loss, d_outputs = mse.value_and_gradient(y_batch, run.outputs)
            optimizer.apply(params, run.backward(d_outputs).params)
            losses.append(loss)
        assert losses[-1] < 0.1 * losses[0]

        sequence = [0.0] * self.n_steps  # a creative RNN
        for _ in range(300):
            X_batch = np.array(sequence[-self.n_steps :], "float32").reshape(1, self.n_steps, 1)
            y_pred, _ = nr.dynamic_rnn(cell, params, X_batch, save="minimal")
            sequence.append(y_pred[0, -1, 0])
        assert len(sequence) == 320 and np.isfinite(sequence).all() and np.std(sequence[20:]) > 0

    def test_stacked_outputs_and_one_dense_layer(self, cell, batches):
        """The efficient way by hand; the wrapper gives the same numbers, and gradients."""
        X, d_outputs = (a[:50].astype("float64") for a in batches)
        params = cell.init_params(self.n_inputs, rng=42, dtype="float64")
        inner = {name.removeprefix("cell/"): a for name, a in params.items() if name.startswith("cell/")}
        W, b = params["projection_kernel"], params["projection_bias"]

        run = nr.dynamic_rnn(nr.BasicRNNCell(num_units=self.n_neurons, activation="relu"), inner, X, device="numpy")
        rnn_outputs, states = run
        stacked_rnn_outputs = rnn_outputs.reshape(-1, self.n_neurons)
        stacked_outputs = dense(stacked_rnn_outputs, W, b)
        outputs = stacked_outputs.reshape(-1, self.n_steps, self.n_outputs)
        d_stacked = d_outputs.reshape(-1, self.n_outputs)
        expected = run.backward((d_stacked @ W.T).reshape(rnn_outputs.shape))

        wrapped = nr.dynamic_rnn(cell, params, X, device="numpy")
        assert wrapped.outputs.shape == (50, 20, 1)
        close = lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-12 * np.abs(b).max())  # noqa: E731
        close(wrapped.outputs, outputs)
        assert np.array_equal(wrapped.state.h, states.h)  # the state is not projected
        grads = wrapped.backward(d_outputs)
        close(grads.params["projection_kernel"], stacked_rnn_outputs.T @ d_stacked)
        close(grads.params["projection_bias"], d_stacked.sum(0))
        for name, want in expected.params.items():
            close(grads.params[f"cell/{name}"], want)
        close(grads.inputs, expected.inputs)


class TestDeepRNNs:
    n_steps, n_inputs, n_neurons, n_layers = 20, 1, 100, 3

    @pytest.fixture
    def X(self):
        return np.random.default_rng(42).standard_normal((6, self.n_steps, self.n_inputs), "float32")

    def test_multi_layer_cell(self, X):
        multi_layer_cell = nr.MultiRNNCell([nr.BasicRNNCell(num_units=self.n_neurons) for _ in range(self.n_layers)])
        params = multi_layer_cell.init_params(self.n_inputs, rng=42)
        outputs, states = nr.dynamic_rnn(multi_layer_cell, params, X)
        assert outputs.shape == (6, 20, 100)
        assert isinstance(states, tuple) and [s.h.shape for s in states] == [(6, 100)] * 3
        assert np.array_equal(states[-1].h, outputs[:, -1])

        in_one = nr.MultiRNNCell(multi_layer_cell.cells, state_is_tuple=False)
        outputs, state = nr.dynamic_rnn(in_one, params, X)
        assert state.shape == (6, self.n_layers * self.n_neurons)
        assert np.array_equal(state, np.concatenate([s.h for s in states], axis=1))

    def test_one_object_three_times(self, X):
        """`[basic_cell] * n_layers` was three layers once; it is one set of weights, of which the inputs differ."""
        basic_cell = nr.BasicRNNCell(num_units=self.n_neurons)
        with pytest.raises(nr.InputError, match="make a cell for each place"):
            nr.MultiRNNCell([basic_cell] * self.n_layers).init_params(self.n_inputs)

    def test_dropout_only_in_training(self, X):
        keep_prob = 0.5
        cells = [nr.BasicRNNCell(num_units=self.n_neurons) for _ in range(self.n_layers)]
        cells_drop = [nr.DropoutWrapper(cell, input_keep_prob=keep_prob) for cell in cells]
        multi_layer_cell = nr.MultiRNNCell(cells_drop)
        params = multi_layer_cell.init_params(self.n_inputs, rng=42)
        rnn_outputs, _ = nr.dynamic_rnn(multi_layer_cell, params, X)
        plain, _ = nr.dynamic_rnn(nr.MultiRNNCell(cells), params, X)
        assert np.array_equal(rnn_outputs, plain)
        train = [nr.dynamic_rnn(multi_layer_cell, params, X, training=True, rng=seed).outputs for seed in (1, 1, 2)]
        assert np.array_equal(train[0], train[1])
        assert not np.array_equal(train[0], train[2]) and not np.array_equal(train[0], plain)
        with pytest.raises(nr.InputError, match="expected rng"):
            nr.dynamic_rnn(multi_layer_cell, params, X, training=True)

    def test_stack_of_gated_cells(self, X):
        lstm_cell = nr.BasicLSTMCell(num_units=7)
        peephole_cell = nr.LSTMCell(num_units=8, use_peepholes=True)
        gru_cell = nr.GRUCell(num_units=9)
        cell = nr.MultiRNNCell([lstm_cell, peephole_cell, gru_cell])
        params = cell.init_params(self.n_inputs, rng=42)
        assert params["1/peephole"].shape == (3, 8)
        outputs, states = nr.dynamic_rnn(cell, params, X, device="numpy")
        assert outputs.shape == (6, 20, 9)
        assert [(type(s).__name__, s._fields) for s in states] == [("State", ("h", "c"))] * 2 + [("State", ("h",))]
        assert [a.shape for s in states for a in s] == [(6, 7), (6, 7), (6, 8), (6, 8), (6, 9)]

    def test_two_state_vectors_or_one(self, X):
        lstm_cell = nr.BasicLSTMCell(num_units=self.n_neurons)
        params = lstm_cell.init_params(self.n_inputs, rng=42)
        outputs, states = nr.dynamic_rnn(lstm_cell, params, X)
        assert states.h.shape == states.c.shape == (6, 100)
        together, state = nr.dynamic_rnn(nr.ConcatenatedState(lstm_cell), params, X)
        assert np.array_equal(outputs, together)
        assert np.array_equal(state, np.concatenate([states.c, states.h], axis=1))  # [c, h], as TensorFlow has it

    def test_unknown_options(self):
        """One notebook writes state_is_tupe, twice."""
        with pytest.raises(nr.InputError, match="state_is_tupe"):
            nr.MultiRNNCell([nr.BasicRNNCell(3)], state_is_tupe=False)
        with pytest.raises(nr.InputError, match="forget_bais"):
            nr.BasicLSTMCell(3, forget_bais=0.0)
