"""Stateful layers over long streams: rows that end, resets, epochs, validation, contiguous batches."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn import layers as L

T, B, I, H = 4, 5, 3, 6
LAYERS = {
    "LSTM": lambda **options: L.LSTM(H, **options),
    "GRU": lambda **options: L.GRU(H, **options),
    "stack": lambda **options: L.RNN(
        [nr.LSTMCell(H), nr.DropoutWrapper(nr.GRUCell(4), input_keep_prob=0.5)], **options
    ),
}


def make(layer, stateful=True, **options):
    made = layer(stateful=stateful, return_sequences=True, **options)
    made.build((None, None, I), rng=1, dtype="float64")
    made.device = "numpy"
    return made


def model(units=H, stateful=True, seed=1):
    layers = [L.Input((None, I)), L.LSTM(units, return_sequences=True, stateful=stateful), L.Dense(2)]
    made = nr.Sequential(layers, seed=seed, dtype="float64", device="numpy")
    made.compile(nr.optimizers.SGD(0.05), "mse")
    return made


def data(samples, seed=0, steps=T):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((samples, steps, I)), rng.standard_normal((samples, steps, 2))


@pytest.mark.parametrize("name", LAYERS)
def test_batches_shrink_as_rows_end(name):
    """Sequences of unequal lengths in chunks of T steps; each row's outputs are those of its sequence alone."""
    rng, layer, alone = np.random.default_rng(0), make(LAYERS[name]), make(LAYERS[name], stateful=False)
    sequences = [rng.standard_normal((length, I)) for length in (9, 2, 12, 4, 0)]
    rows, found = [0, 1, 2, 3], [[] for _ in sequences]  # the fifth has ended before the first batch
    for start in range(0, 12, T):
        chunk, mask = np.zeros((len(rows), T, I)), np.zeros((len(rows), T), bool)
        for i, row in enumerate(rows):
            part = sequences[row][start : start + T]
            chunk[i, : len(part)], mask[i, : len(part)] = part, True
        outputs = layer(chunk, mask=mask)
        for i, row in enumerate(rows):
            found[row].append(outputs[i, mask[i]])
        ended = [len(sequences[row]) <= start + T for row in rows]
        layer.end_rows(np.array(ended))
        rows = [row for row, end in zip(rows, ended, strict=True) if not end]
    for sequence, outputs in zip(sequences[:4], found, strict=False):
        assert_allclose(np.concatenate(outputs), alone(sequence[None])[0], rtol=1e-12)
    assert rows == []


def test_rows_that_remain_keep_their_states():
    layer = make(LAYERS["LSTM"])
    layer.end_rows([0])  # nothing has begun
    layer(data(B)[0])
    before = [s.copy() for s in layer.state]
    layer.end_rows([3, 0])
    for s, old in zip(layer.state, before, strict=True):
        assert_array_equal(s, old[[1, 2, 4]])
    layer.reset_states(rows=[1])
    for s, old in zip(layer.state, before, strict=True):
        assert_array_equal(s, old[[1, 2, 4]] * [[1], [0], [1]])
    with pytest.raises(nr.InputError, match=r"lstm: expected rows out of a batch of 3, got \[4\]"):
        layer.end_rows([4])
    with pytest.raises(nr.InputError, match="expected rows out of a batch of 3"):
        layer.reset_states(rows=np.array([True, False]))
    with pytest.raises(nr.InputError, match="a batch that goes on from states"):
        layer(data(B)[0])


def test_both_directions():
    """Allowed with a warning; each direction goes on from its own state."""
    with pytest.warns(UserWarning, match="a batch that lies before what it reads"):
        layer = L.Bidirectional(L.GRU(H, stateful=True, return_sequences=True))
    layer.build((None, None, I), dtype="float64")
    layer.device = "numpy"
    x = data(B)[0]
    layer(x)
    before = [state[0].copy() for state in layer.state]
    layer.end_rows([1, 2])
    for state, old in zip(layer.state, before, strict=True):
        assert_array_equal(state[0], old[[0, 3, 4]])
    second = layer(x[[0, 3, 4]])
    for part, state, outputs in zip(layer.parts.values(), before, np.split(second, 2, axis=2), strict=True):
        read = x[[0, 3, 4]][:, ::-1] if part.go_backwards else x[[0, 3, 4]]
        expected = nr.forward(part.cell, part.params, read, initial_state=(state[[0, 3, 4]],), device="numpy").outputs
        assert_allclose(outputs, expected[:, ::-1] if part.go_backwards else expected, rtol=1e-12)


def test_a_model_in_batches_that_shrink():
    made, (x, y) = model(), data(B)
    made.train_on_batch(x, y)
    state = [s.copy() for s in made.layers[0].state]
    made.end_rows([0, 4])
    rest = made.predict(x[1:4], 3)
    run = nr.forward(
        made.layers[0].cell,
        made.layers[0].params,
        x[1:4],
        initial_state=[s[1:4] for s in state],
        device="numpy",
    )
    assert_allclose(rest, run.outputs @ made.params["dense/kernel"] + made.params["dense/bias"], rtol=1e-12)
    made.fit(x[1:4], y[1:4], 3, shuffle=False, verbose=0)
    with pytest.raises(nr.InputError, match="a batch that goes on from states"):
        made.train_on_batch(x, y)


@pytest.mark.parametrize("reset_every", ["epoch", "sequence", "never"])
def test_reset_every(reset_every):
    """`fit` against batches by hand."""
    (x, y), by_hand, fitted = data(2 * B), model(), model()
    for _ in range(3):
        if reset_every == "epoch":
            by_hand.reset_states()
        for rows in (slice(B), slice(B, 2 * B)):
            if reset_every == "sequence":
                by_hand.reset_states()
            by_hand.train_on_batch(x[rows], y[rows])
    fitted.fit(x, y, B, 3, shuffle=False, reset_every=reset_every, verbose=0)
    for name, p in by_hand.params.items():
        assert_array_equal(fitted.params[name], p)
    assert_array_equal(fitted.layers[0].state.h, by_hand.layers[0].state.h)


def test_without_state_between_batches_samples_may_be_shuffled():
    x, y = data(2 * B)
    results = []
    for made, options in [(model(), {"reset_every": "sequence"}), (model(stateful=False), {})]:
        made.fit(x, y, B, 2, verbose=0, **options)
        results.append(made.params["lstm/kernel"])
    assert_array_equal(*results)


@pytest.mark.parametrize("call", ["predict", "evaluate", "test_on_batch", "train_on_batch"])
def test_every_kind_of_batch_leaves_its_states(call):
    made, (x, y) = model(), data(B)
    labels = () if call == "predict" else (y,)
    size = (B,) if call in ("predict", "evaluate") else ()
    expected = nr.forward(made.layers[0].cell, made.layers[0].params, x, device="numpy").state
    expected = [s.copy() for s in expected]
    getattr(made, call)(x, *labels, *size)
    for s, want in zip(made.layers[0].state, expected, strict=True):
        assert_array_equal(s, want)


def test_validation_has_states_of_its_own():
    """It starts anew in each epoch, and training goes on as if there had been none."""
    x, y = data(4 * B)
    plain, validated, split = model(), model(), model()
    for made, options in [(plain, {}), (validated, {"validation_data": data(2 * B, seed=1)})]:
        history = made.fit(x[: 2 * B], y[: 2 * B], B, 3, shuffle=False, verbose=0, **options).history
    split.fit(x, y, B, 3, shuffle=False, verbose=0, validation_split=0.5)
    for made in (validated, split):
        for name, p in plain.params.items():
            assert_array_equal(made.params[name], p)
        assert_array_equal(made.layers[0].state.c, plain.layers[0].state.c)
    validated.reset_states()
    assert validated.evaluate(*data(2 * B, seed=1), B) == history["val_loss"][-1]


def test_what_keras_gets_wrong_in_silence():
    made, (x, y) = model(), data(3 * B)
    for call, message in [
        (lambda: made.fit(x, y, B), "expected shuffle=False with stateful layers"),
        (lambda: made.fit(x[:-1], y[:-1], B, shuffle=False), "whole batches of 5, got 14 samples"),
        (lambda: made.fit(x, y, B, shuffle=False, validation_split=0.1), "whole batches of 5, got 13 samples"),
        (lambda: made.evaluate(x[:7], y[:7], B), "whole batches of 5, got 7 samples"),
        (lambda: made.fit(x, y, B, shuffle=False, reset_every="batch"), "'epoch', 'never' or 'sequence', got 'batch'"),
    ]:
        with pytest.raises(nr.InputError, match=message):
            call()


def test_resets_inside_a_sequence():
    """`reset_mask`: the states of a row become zero before a step, and no gradient passes."""
    layer, x = make(LAYERS["LSTM"]), data(B, steps=7)[0]
    layer(x)
    resets = np.zeros((B, 7), bool)
    resets[1, 3] = resets[2, 0] = resets[4, 6] = True
    last = L.LSTM(H, stateful=True)
    last.build((None, None, I), dtype="float64")
    last.device, last.params, last.state = "numpy", layer.params, layer.state
    state = layer.state
    d = np.random.default_rng(1).standard_normal((B, 7, H))
    outputs, saved = layer.forward(x, True, reset_mask=resets)
    d_x = layer.backward(saved, d)[0]
    assert_array_equal(last(x, reset_mask=resets), outputs[:, -1])
    for b, start in [(1, 3), (2, 0), (4, 6)]:
        layer.state = None
        anew, saved = layer.forward(x[b : b + 1, start:], True)
        assert_allclose(outputs[b : b + 1, start:], anew, rtol=1e-12)
        assert_allclose(d_x[b : b + 1, start:], layer.backward(saved, d[b : b + 1, start:])[0], rtol=1e-11, atol=1e-13)
    layer.state = state
    plain = layer(x)
    assert_allclose(outputs[[0, 3]], plain[[0, 3]], rtol=1e-12)
    assert_allclose(outputs[1, :3], plain[1, :3], rtol=1e-12)


def test_contiguous_batches_of_integers():
    x, y, rest = nr.contiguous_batches(np.arange(29), 2, 4)
    assert x.tolist() == [
        [0, 1, 2, 3],
        [12, 13, 14, 15],
        [4, 5, 6, 7],
        [16, 17, 18, 19],
        [8, 9, 10, 11],
        [20, 21, 22, 23],
    ]
    assert_array_equal(y, x + 1)
    assert rest.tolist() == [24, 25, 26, 27, 28]
    assert nr.contiguous_batches(np.arange(25), 2, 4).rest.tolist() == [24]  # nothing but the last label is left
    assert len(nr.contiguous_batches(np.arange(24), 2, 4).x) == 4


@pytest.mark.parametrize("features", [None, 3])
def test_contiguous_batches_of_a_series(features):
    rng = np.random.default_rng(0)
    series = rng.standard_normal(50 if features is None else (50, features)).astype("float32")
    columns = series.reshape(50, -1)
    x, y, rest = nr.contiguous_batches(series, 3, 5)
    assert x.shape == y.shape == (9, 5, features or 1) and x.dtype == y.dtype == "float32"
    for row in range(3):  # of the batches, one after the other
        assert_array_equal(x[row::3].reshape(15, -1), columns[15 * row : 15 * row + 15])
        assert_array_equal(y[row::3].reshape(15, -1), columns[15 * row + 1 : 15 * row + 16])
    assert_array_equal(rest, series[45:])


def test_contiguous_batches_train_a_stateful_model():
    """Batch after batch of `fit` is one run over the rows, as long as parameters stay as they are."""
    series = np.random.default_rng(0).standard_normal((41, I))
    x, y, _ = nr.contiguous_batches(series, 2, 5)
    layers = [L.Input((None, I)), L.GRU(H, stateful=True, return_sequences=True), L.Dense(I)]
    made = nr.Sequential(layers, dtype="float64", device="numpy")
    made.compile(nr.optimizers.SGD(0.0), "mse")
    loss = made.fit(x, y, 2, shuffle=False, verbose=0).history["loss"][0]
    made.reset_states()
    rows, targets = (series[k : k + 40].reshape(2, 20, I) for k in (0, 1))
    assert np.isclose(loss, np.mean((made.predict(rows, 2) - targets) ** 2), rtol=1e-12)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((np.zeros((3, 2, 2)), 1, 1), r"integers \(N,\) or floats \(N,\) or \(N, F\), got float64 of shape"),
        ((np.zeros((9, 2), int), 1, 1), "got int64 of shape"),
        ((np.array(["a", "b"]), 1, 1), "got <U1 of shape"),
        ((np.arange(8), 2, 4), r"more than 2 \* 4 items, got 8"),
        ((np.arange(8), 0, 4), "batch_size to be a positive integer, got 0"),
        ((np.arange(8), 2, 1.5), "steps to be an integer, got 1.5"),
    ],
)
def test_contiguous_batches_refused(arguments, message):
    with pytest.raises(nr.InputError, match=message):
        nr.contiguous_batches(*arguments)
