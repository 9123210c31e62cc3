"""Mistakes that well-known notebooks make or invite: each has an error message, or cannot be made.

Numbers E1 ... E14 are those of the list in which they were collected.
"""

import inspect
import re
import warnings

import numpy as np
import pytest
from helpers.toy import LOGITS, X, Y, classifier
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn import Sequential, callbacks, datasets, layers, losses, metrics, optimizers
from numbarnn.layers import Dense, Dropout, Embedding, Input, SimpleRNN

RNG = np.random.default_rng(0)
x = RNG.standard_normal((3, 5, 2))


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def test_e1_the_candidate_of_a_gru_has_its_reset_gate():
    cell = nr.GRUCell(4)
    params = {name: RNG.standard_normal(p.shape) for name, p in cell.init_params(2, dtype="float64").items()}
    h = RNG.standard_normal((3, 4))
    kernel, recurrent, bias = (np.split(params[name], 3, axis=-1) for name in ("kernel", "recurrent_kernel", "bias"))
    r, z = (sigmoid(x[:, 0] @ kernel[k] + h @ recurrent[k] + bias[k]) for k in (0, 1))
    n = np.tanh(x[:, 0] @ kernel[2] + (r * h) @ recurrent[2] + bias[2])
    output = nr.forward(cell, params, x[:, :1], initial_state=(h,), device="numpy").state.h
    assert_allclose(output, z * h + (1 - z) * n, rtol=1e-12)
    without_reset = np.tanh(x[:, 0] @ kernel[2] + h @ recurrent[2] + bias[2])
    assert np.abs(output - z * h - (1 - z) * without_reset).max() > 0.1


def test_e2_the_sign_of_the_update_gate_is_an_option_with_a_bias_that_goes_with_it():
    keep, seed = nr.GRUCell(4), nr.GRUCell(4, update="seed")
    params = keep.init_params(2, rng=1, dtype="float64")
    turned = {name: p.copy() for name, p in params.items()}
    for p in turned.values():
        p[..., 4:8] *= -1  # z
    assert_array_equal(turned["bias"], seed.init_params(2, dtype="float64")["bias"])
    runs = [nr.forward(cell, p, x, device="numpy") for cell, p in ((keep, params), (seed, turned))]
    assert_allclose(runs[0].outputs, runs[1].outputs, rtol=1e-12)
    with pytest.raises(nr.InputError, match="GRUCell: no update 'forget'; there are keep, seed"):
        nr.GRUCell(4, update="forget")


def test_e3_losses_broadcast_nothing():
    """One value for each window, but a target at each of its 20 steps."""
    windows = RNG.standard_normal((8, 20, 1))
    model = Sequential([Input((20, 1)), SimpleRNN(3, "relu"), Dense(1)], device="numpy")
    model.compile("adam", "mse")
    for target in (windows[:, :, 0], windows):
        message = r"MeanSquaredError: expected numbers of the shape of the predictions, \(8, 1\), got float64 of shape "
        with pytest.raises(nr.InputError, match=message + re.escape(str(target.shape))):
            model.fit(windows, target, verbose=0)
    for loss in (
        losses.MeanSquaredError(),
        losses.MeanAbsoluteError(),
        losses.Huber(),
        losses.CategoricalCrossentropy(),
    ):
        with pytest.raises(nr.InputError, match=type(loss).__name__ + ": expected numbers of the shape of the pred"):
            loss(np.zeros((8, 20)), np.zeros((8, 1)))


def test_e4_windows_are_random_or_regular_as_asked():
    series = np.arange(200.0)
    regular, _ = datasets.make_windows(series, 20)
    random, targets = datasets.make_windows(series, 20, count=50, rng=1)
    assert_array_equal(regular[:, 0, 0], np.arange(0, 180, 20))
    assert len(np.unique(random[:, 0, 0])) > 20
    assert_array_equal(targets, random + 1)
    with pytest.raises(nr.InputError, match="make_windows: expected stride or count, got both: 20 and 50"):
        datasets.make_windows(series, 20, stride=20, count=50)


def test_e5_one_object_three_times_is_no_stack_of_three():
    cell = nr.SimpleRNNCell(100)
    message = "the same SimpleRNNCell stands at places 0 and 1, but its inputs have 1 and 100 features; make a cell for"
    with pytest.raises(nr.InputError, match=message):
        nr.MultiRNNCell([cell] * 3).init_params(1)
    with pytest.warns(UserWarning, match="places 0 and 1 hold the same SimpleRNNCell, and share its parameters"):
        shared = nr.MultiRNNCell([cell] * 2).init_params(100)
    assert len(shared) == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(nr.MultiRNNCell([nr.SimpleRNNCell(100) for _ in range(3)]).init_params(1)) == 9
    with pytest.raises(nr.InputError, match="expected a new layer, got dense, which is in use already"):
        Sequential([Input((3,)), *[Dense(3)] * 2])


def test_e6_a_wrapper_that_comes_too_late_is_noticed():
    """The wrapped cell was unrolled before it was wrapped: its outputs and the wrapper's parameters do not meet."""
    cell = nr.SimpleRNNCell(4)
    wrapped = nr.OutputProjectionWrapper(cell, 1)
    with pytest.raises(nr.InputError, match=r"SimpleRNNCell: .*parameter.*kernel.*got"):
        nr.dynamic_rnn(cell, wrapped.init_params(2, dtype="float64"), x)
    outputs, _ = nr.dynamic_rnn(wrapped, wrapped.init_params(2, dtype="float64"), x, device="numpy")
    assert outputs.shape == (3, 5, 1)


PUBLIC = [
    *(nr.CELLS | nr.COMPOSITE_CELLS | nr.WRAPPERS).values(),
    *(getattr(layers, name) for name in layers.__all__ if inspect.isclass(getattr(layers, name))),
    *optimizers.BY_NAME.values(),
    *losses.BY_NAME.values(),
    *(getattr(callbacks, name) for name in callbacks.__all__ if name not in ("Callback", "Callbacks")),
    *(metrics.SparseTopKCategoricalAccuracy, metrics.TopKCategoricalAccuracy, metrics.Perplexity),
    *(nr.Sequential, nr.EncoderDecoder),
]


@pytest.mark.parametrize("make", PUBLIC, ids=lambda make: make.__name__)
def test_e7_misspelt_options_raise(make):
    options = list(inspect.signature(make).parameters.values())
    required = {option.name: None for option in options if option.default is option.empty}
    with pytest.raises(nr.InputError, match=rf"{make.__name__}: .*state_is_tupe.*; it takes "):
        make(**required, state_is_tupe=True)


def test_e7_misspelt_arguments_of_methods_raise():
    model = classifier(SimpleRNN(3), device="numpy")
    cell = nr.SimpleRNNCell(3)
    for call, name in [
        (lambda: model.fit(X, Y, iteration=3), "iteration"),
        (lambda: model.evaluate(X, Y, batchsize=3), "batchsize"),
        (lambda: model.compile(optimiser="adam"), "optimiser"),
        (lambda: nr.forward(cell, cell.init_params(2), x, sequence_lengths=[1]), "sequence_lengths"),
        (lambda: nr.dynamic_rnn(cell, cell.init_params(2), x, sequence_lengths=[1]), "sequence_lengths"),
    ]:
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
            call()


def test_e8_gru_and_lstm_are_different_cells():
    """A GRU does not bring anything to an LSTM: it has one state, and cannot hand over two."""
    assert nr.GRUCell(3).State._fields == ("h",) and nr.LSTMCell(3).State._fields == ("h", "c")
    decoder = [Embedding(5, 2), layers.LSTM(3, return_sequences=True), Dense(5)]
    with pytest.raises(nr.InputError, match=r"expected .*states of the sizes \[\[3\]\], got \[\[3, 3\]\]"):
        nr.EncoderDecoder([layers.GRU(3)], decoder, start=0)


def test_e9_padding_keeps_the_last_words_unless_asked():
    words = [[1, 2, 3, 4, 5], [6]]
    assert_array_equal(datasets.pad_sequences(words, maxlen=3), [[3, 4, 5], [0, 0, 6]])
    assert_array_equal(datasets.pad_sequences(words, maxlen=3, truncating="post"), [[1, 2, 3], [0, 0, 6]])
    assert "the last `maxlen` items are kept" in " ".join(datasets.pad_sequences.__doc__.split())
    with pytest.raises(nr.InputError, match="pad_sequences: expected truncating 'pre' or 'post', got 'last'"):
        datasets.pad_sequences(words, truncating="last")


def test_e10_an_embedding_takes_the_size_of_the_vocabulary_and_of_the_vectors():
    model = Sequential([Input((None,)), Embedding(10000, 32)])
    assert model.params["embedding/embeddings"].shape == (10000, 32)
    assert model.predict([[0, 9999]]).shape == (1, 2, 32)
    with pytest.raises(nr.InputError, match="embedding: expected integers from 0 to 9999, got 3 to 10000"):
        model.predict([[3, 10000]])
    with pytest.raises(nr.InputError, match="Embedding: expected output_dim to be an integer, got None"):
        Embedding(10000, None)


def test_e11_lstm_block_wrapper_is_no_wrapper():
    """In TensorFlow it was the base class of cells that run whole sequences; every cell here does."""
    assert "LSTMBlockWrapper" not in nr.WRAPPERS and "LSTMBlockFusedCell" in nr.CELLS
    with pytest.raises(nr.InputError, match="LSTMBlockWrapper: this is a base class, and wraps nothing"):
        nr.LSTMBlockWrapper()


def test_e12_dropout_acts_in_training_alone():
    cell = nr.DropoutWrapper(nr.SimpleRNNCell(4), input_keep_prob=0.5)
    params = cell.init_params(2, dtype="float64")
    plain = nr.forward(cell.cell, params, x, device="numpy").outputs
    assert_array_equal(nr.forward(cell, params, x, device="numpy").outputs, plain)
    assert np.any(nr.forward(cell, params, x, training=True, rng=0, device="numpy").outputs != plain)
    with pytest.raises(nr.InputError, match=r"DropoutWrapper: .*expected rng \(a seed\), got None"):
        nr.forward(cell, params, x, training=True, device="numpy")
    dropped, without = classifier(SimpleRNN(4), Dropout(0.5), device="numpy"), classifier(SimpleRNN(4), device="numpy")
    assert_array_equal(dropped.predict(X), without.predict(X))
    assert dropped.evaluate(X, Y) == without.evaluate(X, Y)


def collapsed(legacy_clip):
    """A network that is certain of class 6, whatever it sees."""
    sure = lambda shape, rng, dtype: 60 * np.eye(10, dtype=dtype)[6]  # noqa: E731
    last = Dense(10, "softmax", kernel_initializer="zeros", bias_initializer=sure)
    model = Sequential([Input((4,)), last])
    model.compile(optimizers.RMSprop(0.01), losses.CategoricalCrossentropy(legacy_clip=legacy_clip), ["accuracy"])
    return model


def test_e13_a_collapsed_network():
    """A notebook printed 14.573981651306152 and 0.0958: 958 hits of 10,000. Its loss lets no gradient through."""
    images, labels = np.ones((10_000, 4), "float32"), np.eye(10)[np.repeat([6, 3], [958, 9042])]
    model = collapsed(legacy_clip=True)
    loss, accuracy = model.evaluate(images, labels, batch_size=100)
    assert f"{loss:.5f}" == "14.57398" and accuracy == pytest.approx(0.0958)
    assert_allclose(loss, 14.573981651306152, rtol=1e-6)
    before = model.get_weights()
    model.fit(images[:500], labels[-500:], verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        assert_array_equal(a, b)
    recovers = collapsed(legacy_clip=False)
    history = recovers.fit(images[:500], labels[-500:], epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0]


def test_e13_a_training_that_diverges_says_so():
    model = classifier(SimpleRNN(8, "relu"), optimizer=optimizers.SGD(1e30), device="numpy")
    with pytest.warns(
        RuntimeWarning, match=r"fit: stopped in epoch \d+: the loss, a gradient or a moving average is not finite"
    ):
        history = model.fit(X, Y, epochs=20, verbose=0)
    assert np.isnan(history.history["loss"][-1]) and len(history.epoch) < 20


def test_e14_gates_are_continuous():
    cell = nr.LSTMCell(6)
    gates = nr.forward(cell, cell.init_params(2, rng=0, dtype="float64"), x, device="numpy").gates
    for name in ("i", "f", "o"):
        assert np.all((gates[name] > 0.1) & (gates[name] < 0.9)), name
    assert LOGITS.from_logits
