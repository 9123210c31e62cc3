"""What is accepted has an effect: options, attributes, masks, callbacks' methods, shared optimisers."""

import numpy as np
import pytest
from helpers.toy import classifier, data, fit
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn import Sequential
from numbarnn import layers as L

X, Y = data(16)


def frozen(*layers, **options):
    model = classifier(*layers, optimizer=nr.optimizers.Adam(0.05), **options)
    return model, {name: w.copy() for name, w in model.weights.items()}


def changed(model, before):
    return {name for name, w in model.weights.items() if (w != before[name]).any()}


def test_a_frozen_layer_keeps_its_weights():
    model, before = frozen(L.LSTM(3, return_sequences=True), L.GRU(4))
    model.layers[0].trainable = False
    fit(model, X, Y)
    assert changed(model, before) == {name for name in before if not name.startswith("lstm/")}
    assert set(model.optimizer.slots) == changed(model, before)
    model.layers[0].trainable = True
    fit(model, X, Y)
    assert changed(model, before) == set(before)


def test_the_others_learn_as_if_it_were_constant():
    """The norm that clips the gradient is that of the others alone."""
    model, _ = frozen(L.GRU(3, return_sequences=True), L.SimpleRNN(4))
    model.optimizer.clip_global_norm = 0.01
    model.layers[0].trainable = False
    read = Sequential([L.Input((6, 2)), L.GRU(3, return_sequences=True)])
    read.set_weights(model.layers[0].get_weights())
    rest = Sequential([L.Input((6, 3)), L.SimpleRNN(4), L.Dense(3)])
    rest.set_weights(model.get_weights()[3:])
    rest.compile(nr.optimizers.Adam(0.05, clip_global_norm=0.01), model.loss)
    for _ in range(3):
        model.train_on_batch(X, Y)
        rest.train_on_batch(read.predict(X), Y)
    for a, b in zip(model.get_weights()[3:], rest.get_weights(), strict=True):
        assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_a_frozen_model_and_parts_of_layers():
    model, before = frozen(L.Bidirectional(L.LSTM(3)))
    model.trainable = False
    fit(model, X, Y)
    assert changed(model, before) == set() and model.optimizer.slots == {}
    model.trainable, model.layers[0].layer.trainable = True, False
    fit(model, X, Y)
    assert changed(model, before) == {name for name in before if "/forward/" not in name}
    model.layers[0].trainable = False
    assert set(model.trainable_params) == {"dense/kernel", "dense/bias"}


def test_frozen_batch_normalization_is_inference():
    model, before = frozen(L.BatchNormalization(), L.GRU(3))
    model.layers[0].trainable = False
    expected = model.evaluate(X, Y, batch_size=16)
    assert model.train_on_batch(X, Y) == pytest.approx(expected, rel=1e-6)
    assert not {name for name in changed(model, before) if name.startswith("batch_normalization")}


def test_penalties_of_frozen_layers_do_not_count():
    model, _ = frozen(L.SimpleRNN(3, kernel_regularizer=nr.regularizers.L2(10.0)))
    with_penalty = model.evaluate(X, Y)[0]
    penalty = 10 * float((model.params["simple_rnn/kernel"] ** 2).sum())
    model.layers[0].trainable = False
    assert model.evaluate(X, Y)[0] == pytest.approx(with_penalty - penalty, rel=1e-4)


def test_the_summary_counts_what_is_frozen(capsys):
    model, _ = frozen(L.LSTM(3))
    total, lstm = model.count_params(), model.layers[0].count_params()
    model.layers[0].trainable = False
    model.summary()
    shown = capsys.readouterr().out
    assert f"Trainable params: {total - lstm}\nNon-trainable params: {lstm}\n" in shown


@pytest.mark.parametrize("name", ["units", "return_sequences", "activation", "rate", "trainabel", "stateful", "cell"])
def test_attributes_of_a_built_layer(name):
    layer = L.LSTM(3)
    layer.build((None, 4, 2))
    with pytest.raises(nr.InputError, match=f"lstm: {name} has no effect on a built layer; trainable"):
        setattr(layer, name, 1)
    with pytest.raises(nr.InputError, match="expected trainable to be True or False, got 'no'"):
        layer.trainable = "no"


@pytest.mark.parametrize(
    "call",
    [
        lambda x: L.Dropout(0.5)(x, training=True),
        lambda x: L.LSTM(2)(x, mask=np.ones((1, 2), bool)),
        lambda x: L.Dense(2)(x, rng=3),
        lambda x: L.Dense(2)(x, trainig=True),
        lambda x: L.Dense(2)(L.LSTM(2)(x), mask=np.ones(1, bool)),
    ],
)
def test_options_of_a_symbolic_call(call):
    with pytest.raises(nr.InputError, match="in a symbolic call, where it has no effect"):
        call(L.Input((4, 2)))


def test_initial_states_of_a_symbolic_call_are_no_numbers():
    with pytest.raises(nr.InputError, match=r"lstm: expected an initial_state of an Input or outputs of layers, got"):
        L.LSTM(2)(L.Input((4, 2)), initial_state=[np.zeros((1, 2))] * 2)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (4, 2), (2, 4, 2, 1), ()])
@pytest.mark.parametrize(
    "layer", [L.TimeDistributed(L.Dense(2)), L.Dense(2), L.Dropout(0.5), L.Flatten(), L.Masking(), L.LSTM(2)], ids=repr
)
def test_masks_of_another_shape(layer, shape):
    with pytest.raises(nr.InputError, match="mask"):
        layer(np.zeros((2, 4, 3), "float32"), mask=np.ones(shape, bool))


def test_masks_of_another_kind():
    with pytest.raises(nr.InputError, match="expected mask of dtype bool, got float64"):
        L.Dense(2)(np.zeros((2, 4, 3), "float32"), mask=np.ones((2, 4)))
    with pytest.raises(nr.InputError, match="mask_value to be a number, got nan"):
        L.Masking(np.nan)


def test_masked_arrays():
    masked, mask = np.ma.masked_array(X, X > 0), np.ma.masked_array(np.ones((16, 6), bool), X[..., 0] > 0)
    cell = nr.LSTMCell(2)
    model, embedding = classifier(L.LSTM(2)), L.Embedding(3, 2)
    embedding.build((None, 4))
    for call in (
        lambda: nr.forward(cell, cell.init_params(2), masked),
        lambda: nr.forward(cell, cell.init_params(2), X, mask=mask),
        lambda: model.predict(masked),
        lambda: model.fit(X, np.ma.masked_array(Y, Y > 0), verbose=0),
        lambda: L.Dense(2)(masked),
        lambda: L.LSTM(2)(X, mask=mask),
        lambda: embedding.forward(np.ma.ones((2, 4), "int64")),
        lambda: model.set_weights([np.ma.array(w) for w in model.get_weights()]),
        lambda: model.fit(X, Y, sample_weight=np.ma.ones(len(Y)), verbose=0),
        lambda: nr.forward(cell, cell.init_params(2), X, lengths=np.ma.ones(len(X), "int64")),
        lambda: nr.losses.MeanSquaredError()(np.ma.ones((2, 3)), np.ones((2, 3))),
        lambda: nr.losses.MeanSquaredError()(np.ones((2, 3)), np.ma.ones((2, 3))),
        lambda: nr.losses.MeanSquaredError()(np.ones((2, 3)), np.ones((2, 3)), np.ma.ones(2)),
        lambda: nr.losses.SparseCategoricalCrossentropy()(np.ma.zeros(2, "int64"), np.full((2, 2), 0.5)),
        lambda: nr.metrics.binary_accuracy(np.ones((2, 1)), np.ma.ones((2, 1))),
        lambda: nr.metrics.AUC()(np.ones((2, 1)), np.ma.ones((2, 1))),
        lambda: nr.reverse_sequence(np.ma.ones((2, 3)), [1, 2]),
    ):
        with pytest.raises(nr.InputError, match="without a mask of their own"):
            call()


def test_batches_reach_callbacks():
    calls = []

    class Watch(nr.callbacks.Callback):
        def on_train_batch_begin(self, batch):
            calls.append(batch)

        def on_train_batch_end(self, batch, logs):
            calls.append((batch, logs))

    history = fit(classifier(), X, Y, epochs=2, callbacks=[Watch()])
    assert [c for c in calls if isinstance(c, int)] == [0, 1, 0, 1]
    ends = [c for c in calls if not isinstance(c, int)]
    assert [batch for batch, _ in ends] == [0, 1, 0, 1]
    assert [ends[1][1], ends[3][1]] == [{k: v[i] for k, v in history.history.items()} for i in (0, 1)]

    class Typo(nr.callbacks.Callback):
        def on_epoch_ends(self, epoch, logs):
            raise AssertionError

    with pytest.raises(nr.InputError, match="Typo waits for on_epoch_ends, there are on_train_begin, on_epoch_begin"):
        fit(classifier(), X, Y, callbacks=[Typo()])


def test_an_optimizer_belongs_to_one_model():
    optimizer = nr.optimizers.Adam()
    first = classifier(optimizer=optimizer)
    first.compile(optimizer, first.loss)
    first.train_on_batch(X, Y)
    with pytest.raises(nr.InputError, match="an optimizer of its own, got one with the memory of another model"):
        classifier(optimizer=optimizer)
    del first
    with pytest.raises(nr.InputError, match="an optimizer of its own"):
        classifier(optimizer=optimizer)


def test_states_as_keras_lists_them():
    stack = L.RNN([nr.GRUCell(3), nr.LSTMCell(2), nr.SimpleRNNCell(4)], return_state=True)
    x = np.random.default_rng(0).standard_normal((2, 5, 3), "float32")
    output, first, second, third = stack(x)
    assert first.shape == (2, 3) and [s.shape for s in second] == [(2, 2)] * 2 and third.shape == (2, 4)
    assert_array_equal(third, output)
    assert stack.output_shape == [(None, 4), (None, 3), ((None, 2), (None, 2)), (None, 4)]
    (again, *_), saved = stack.forward(x, True, None, None, [first, second, third])
    given = [nr.GRUCell(3).State(first), second, nr.SimpleRNNCell(4).State(third)]
    assert_array_equal(stack(x, initial_state=given)[0], again)
    d_states = stack.backward(saved, [again, None, None, None])[0][1:]
    assert d_states[0].shape == (2, 3) and len(d_states) == 3
    layer = L.LSTM(3, return_state=True)
    assert layer.compute_output_shape((None, 5, 2)) == [(None, 3)] * 3
    layer = L.GRU(3, stateful=True)
    layer(x)
    layer.reset_state()
    assert layer.state is None


def test_keras_names_of_cells():
    cells = [L.SimpleRNNCell(3), L.LSTMCell(2), L.GRUCell(4), L.GRUCell(4, reset_after=False)]
    assert [type(cell).__bases__[-1] for cell in cells[2:]] == [nr.ResetAfterGRUCell, nr.GRUCell]
    assert L.RNN(cells)(np.zeros((2, 5, 3), "float32")).shape == (2, 4)

    class KerasCell:
        state_size = 3

        def call(self, x, states):
            return x, states

    with pytest.raises(nr.InputError, match=r"expected a subclass of nr\.Cell, whose forward\(z, s\) takes the place"):
        L.RNN(KerasCell())


def test_a_model_of_tokens_shows_its_summary_before_data(capsys):
    """As the notebooks print it."""
    model = Sequential()
    model.add(L.Embedding(10000, 32))
    model.add(L.SimpleRNN(32))
    model.summary()
    assert "Total params: 322,080" in capsys.readouterr().out
    with pytest.raises(nr.InputError, match="summary needs parameters"):
        Sequential([L.LSTM(3)]).summary()


@pytest.mark.parametrize("word", ["seed", "dtype", "use_cudnn", "weights", "batch_input_shape"])
def test_options_of_keras_without_counterpart(word):
    with pytest.raises(nr.InputError, match=f"LSTM: {word} is an option of Keras; here "):
        L.LSTM(3, **{word: 1})
    with pytest.raises(nr.InputError, match="Input: batch_size is an option of Keras; here a batch may have any"):
        L.Input((3,), batch_size=2)


def test_layers_made_frozen():
    model, before = frozen(L.LSTM(3, return_sequences=True, trainable=False), L.GRU(4))
    fit(model, X, Y)
    assert changed(model, before) == {name for name in before if not name.startswith("lstm/")}
    assert repr(L.Dense(2, trainable=False)) == "Dense(2, trainable=False)"


def test_numbers_take_the_dtype_of_the_layer():
    x = np.arange(12).reshape(2, 3, 2)
    for layer in (L.LSTM(2), L.Dense(2), L.Bidirectional(L.GRU(2)), L.TimeDistributed(L.Dense(2))):
        y = layer(x)
        assert y.dtype == "float32"
        for other in ("float32", "float64", "int8"):
            assert_array_equal(layer(x.astype(other)), y)
    assert L.Flatten()(x).dtype == x.dtype and L.RepeatVector(2)(x[:, 0]).dtype == x.dtype
