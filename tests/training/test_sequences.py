"""Training on sequences of different lengths, and data that do not fit a model."""

import numpy as np
import pytest
from helpers.toy import assert_same_weights
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn import layers as L

RNG = np.random.default_rng(0)
LENGTHS = np.array([6, 2, 0, 5, 1, 3, 6, 4])
MASK = np.arange(6) < LENGTHS[:, None]
X = np.where(MASK[..., None], RNG.standard_normal((8, 6, 3), "float32"), np.float32(0))
ROWS = [x[:n] for x, n in zip(X, LENGTHS, strict=True)]
Y = RNG.standard_normal((8, 2), "float32")
EACH = RNG.standard_normal((8, 6, 2), "float32")
EACH_ROWS = [y[:n] for y, n in zip(EACH, LENGTHS, strict=True)]


def series(*, each_step=False, masking=False):
    layers = [L.Masking()] * masking + [L.GRU(4, return_sequences=each_step), L.Dense(2)]
    model = nr.Sequential([L.Input((None, 3)), *layers])
    model.compile("adam", "mse", ["mae"])
    return model


def text():
    model = nr.Sequential([L.Embedding(9, 3), L.LSTM(4), L.Dense(2)])
    model.compile("adam", "mse")
    return model


WAYS = {
    "arrays": ROWS,
    "lists": [row.tolist() for row in ROWS],
    "Padded": nr.Padded.of(ROWS),
    "Padded with NaN behind": nr.Padded(np.where(MASK[..., None], X, np.nan), LENGTHS),
}


@pytest.mark.parametrize("each_step", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_a_mask_hides_the_padding(way, each_step):
    """Weights, losses, metrics and outputs are those of zeros behind each sequence and a `Masking` layer."""
    found, expected = series(each_step=each_step), series(each_step=each_step, masking=True)
    y = EACH if each_step else Y
    options = {"batch_size": 3, "epochs": 2, "verbose": 0, "validation_split": 0.25}
    a = found.fit(WAYS[way], EACH_ROWS if each_step else Y, **options)
    b = expected.fit(X, y, **options)
    for name, values in a.history.items():
        assert_allclose(values, b.history[name], rtol=1e-5)
    for one, other in zip(found.get_weights(), expected.get_weights(), strict=True):
        assert_allclose(one, other, atol=1e-6)
    assert_allclose(found.evaluate(WAYS[way], y, 3), expected.evaluate(X, y, 3), rtol=1e-5)
    valid = MASK if each_step else ...
    assert_allclose(found.predict(WAYS[way], 3)[valid], expected.predict(X, 3)[valid], atol=1e-6)
    assert_allclose(found.train_on_batch(WAYS[way], y), expected.train_on_batch(X, y), rtol=1e-5)


def test_padding_changes_nothing():
    model = series()
    one_by_one = [model.predict(row[None])[0] for row in ROWS if len(row)]
    assert_allclose(model.predict(ROWS)[LENGTHS > 0], one_by_one, rtol=1e-5, atol=1e-7)


def test_lists_of_tokens():
    rows = [[1, 2, 3], [4], [8, 5]]
    a, b = text(), text()
    a.fit(rows, Y[:3], verbose=0)
    b.fit(nr.Padded([[1, 2, 3], [4, 7, 7], [8, 5, 7]], [3, 1, 2]), Y[:3], verbose=0)
    assert_same_weights(a, b)
    assert_allclose(a.predict(rows)[1], a.predict([[4]])[0], rtol=1e-5, atol=1e-7)


def test_gradient_flow_is_zero_in_the_padding():
    flow = nr.inspection.model_gradient_flow(series(each_step=True), ROWS, EACH_ROWS)["gru"]["h"]
    assert_array_equal(flow > 0, MASK)


def swapped(call):
    return lambda: call(series(), X.swapaxes(1, 2))


WRONG = {
    "swapped in fit": (swapped(lambda m, x: m.fit(x, Y)), r"got \(8, 3, 6\); the last two axes seem swapped"),
    "swapped in evaluate": (swapped(lambda m, x: m.evaluate(x, Y)), "the last two axes seem swapped"),
    "swapped in predict": (swapped(lambda m, x: m.predict(x)), "the last two axes seem swapped"),
    "one sequence": (lambda: series().predict(X[0]), r"got \(6, 3\); x\[None\] is a batch of one sequence"),
    "a generator": (
        lambda: series().predict(row for row in X),
        r"got \(6, 3\); x\[None\] is a batch of one sequence",
    ),
    "no labels": (lambda: series().fit(X, None), "fit: expected as many labels as samples, 8, got NoneType"),
    "too few labels": (
        lambda: series().fit(ROWS, Y[:7]),
        r"as many labels as samples, 8, got labels of shape \(7, 2\)",
    ),
    "labels of other lengths": (
        lambda: series(each_step=True).fit(ROWS, [*EACH_ROWS[:5], *EACH_ROWS[4:7]]),
        "fit: expected labels as long as the inputs, 3 steps in row 5, got 1",
    ),
    "labels of an array": (lambda: series(each_step=True).fit(X, EACH_ROWS), "6 steps in row 1, got 2"),
    "labels of other features": (
        lambda: series(each_step=True).fit(ROWS, [*EACH_ROWS[:7], EACH_ROWS[7][:, :1]]),
        r"fit: expected labels of one shape but for their lengths, got \(6, 2\) and, as number 7, \(4, 1\)",
    ),
    "samples without steps": (
        lambda: nr.Sequential([L.Input((3,)), L.Dense(2)]).predict([[1.0, 2.0, 3.0], [4.0]]),
        r"expected samples of one shape, got some of lengths \[3 1\]",
    ),
    "one label each": (
        lambda: nr.losses.MeanSquaredError()(np.zeros(3), np.zeros((3, 1))),
        r"got float64 of shape \(3,\); labels y\[..., None\] have it",
    ),
    "masked arrays in a list": (
        lambda: series().predict([np.ma.masked_greater(X[0], 0), np.ma.masked_greater(X[1], 0)]),
        "expected inputs without a mask of their own",
    ),
    "rows for a layer": (
        lambda: L.GRU(3)(ROWS),
        "gru: expected inputs as one array, got list: its rows have different",
    ),
    "a Padded for a layer": (lambda: L.GRU(3)(nr.Padded.of(X)), "gru: .* got Padded: .* its parts are values, lengths"),
    "rows for generate": (lambda: nr.generate(series(), ROWS, 3), "generate: expected sequences as one array"),
    "truncated": (lambda: series(each_step=True).fit(ROWS, EACH_ROWS, truncate=(2, 2)), "in one array, got Padded"),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_sentence_names_what_is_wrong(name):
    call, message = WRONG[name]
    with pytest.raises(nr.InputError, match=message):
        call()


def test_a_refused_sample_leaves_the_model_unbuilt():
    model = nr.Sequential([L.Dense(2)])
    with pytest.raises(nr.InputError, match="samples of one shape"):
        model.predict([[1.0, 2.0], [3.0]])
    assert not model.built
