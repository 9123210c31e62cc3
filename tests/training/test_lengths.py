"""Batches of sequences of similar lengths."""

import numpy as np
import pytest
from helpers.toy import assert_same_weights
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn import layers as L
from numbarnn.training.lengths import by_length

RNG = np.random.default_rng(1)
LENGTHS = RNG.integers(0, 20, 61)
ROWS = [RNG.standard_normal((n, 3), "float32") for n in LENGTHS]
Y = RNG.standard_normal((61, 2), "float32")
EACH = [RNG.standard_normal((n, 2), "float32") for n in LENGTHS]
OPTIONS = {"batch_size": 4, "verbose": 0}


def series(*, each_step=False, dtype="float64", **options):
    layers = [L.GRU(4, return_sequences=each_step, **options), L.Dense(2)]
    model = nr.Sequential([L.Input((None, 3)), *layers], dtype=dtype)
    model.compile(nr.optimizers.SGD(0.05), "mse", ["mae"])
    return model


def shapes_of_batches(monkeypatch, model):
    """Return a list that grows by (rows, steps) with each batch that goes through a model."""
    seen, forward = [], model._forward

    def noted(x, training=False, keep=False):
        seen.append(x.values.shape[:2])
        return forward(x, training, keep)

    monkeypatch.setattr(model, "_forward", noted)
    return seen


def padding(lengths, order, batch_size):
    """Return the share of padding in batches."""
    batches = [lengths[order[i : i + batch_size]] for i in range(0, len(order), batch_size)]
    return 1 - lengths.sum() / sum(len(b) * b.max() for b in batches)


@pytest.mark.parametrize("samples, batch_size", [(1, 4), (37, 4), (4099, 16)])
def test_an_order_has_each_sample_once_and_is_new_each_time(samples, batch_size):
    lengths, rng = RNG.integers(0, 99, samples), np.random.default_rng(3)
    orders = [by_length(lengths, batch_size, rng) for _ in range(2)]
    for order in orders:
        assert_array_equal(np.sort(order), np.arange(samples))
    assert samples == 1 or (orders[0] != orders[1]).any()
    assert_array_equal(orders[0], by_length(lengths, batch_size, np.random.default_rng(3)))


def test_there_is_little_padding_and_batches_stay_random():
    """Long sequences come early and late, and two epochs have hardly a batch in common."""
    lengths = np.random.default_rng(0).gamma(2.0, 120.0, 20_000).astype(int)
    rng = np.random.default_rng(0)
    first, second = (by_length(lengths, 32, rng) for _ in range(2))
    assert padding(lengths, rng.permutation(20_000), 32) > 0.5 and padding(lengths, first, 32) < 0.1
    means = lengths[first].reshape(-1, 32).mean(axis=1)
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.1
    together = [set(batch) for batch in first.reshape(-1, 32)]
    neighbours = {row: batch for batch in together for row in batch}
    shared = [len(neighbours[batch[0]] & set(batch)) for batch in second.reshape(-1, 32)]
    assert np.mean(shared) < 3


@pytest.mark.parametrize("each_step", [False, True])
@pytest.mark.parametrize("way", ["list", "Padded"])
def test_predictions_come_in_the_order_given(each_step, way):
    model = series(each_step=each_step)
    x = ROWS if way == "list" else nr.Padded(np.pad(nr.Padded.of(ROWS).values, [(0, 0), (0, 5), (0, 0)]), LENGTHS)
    found = model.predict(x, 4)
    assert found.shape == ((61, 19 if way == "list" else 24, 2) if each_step else (61, 2))
    for row, n, outputs in zip(ROWS, LENGTHS, found, strict=True):
        if each_step:
            assert_array_equal(outputs[n + 8 :], 0)
        if n:
            expected = model.predict(row[None])[0]
            assert_allclose(outputs[:n] if each_step else outputs, expected, atol=1e-12)


def test_predictions_with_states_come_in_the_order_given():
    model = nr.Sequential([L.Input((None, 3)), L.LSTM(4, return_sequences=True, return_state=True)], dtype="float64")
    found, expected = model.predict(ROWS, 4), model.predict(ROWS, 100)
    for a, b in zip(found[1:], expected[1:], strict=True):
        assert_allclose(a, b, atol=1e-12)
    mask = np.arange(19) < LENGTHS[:, None]
    assert_allclose(found[0][mask], expected[0][mask], atol=1e-12)


def test_predictions_of_an_iterable_end_in_zeros():
    model = series(each_step=True)
    found = model.predict(ROWS[i : i + 7] for i in range(0, 61, 7))
    mask = np.arange(19) < LENGTHS[:, None]
    assert_allclose(found[mask], model.predict(ROWS, 4)[mask], atol=1e-12)


@pytest.mark.parametrize(
    "each_step, weights", [(False, None), (False, "rows"), (True, None), (True, "rows"), (True, "steps")]
)
def test_results_do_not_depend_on_how_rows_are_grouped(each_step, weights):
    """With penalties of outputs, too: padding has no part in them."""
    model = series(each_step=each_step, activity_regularizer="l2")
    shape = {None: None, "rows": 61, "steps": (61, 19)}[weights]
    weights = None if shape is None else RNG.random(shape)
    y = EACH if each_step else Y
    expected = model.evaluate(ROWS, y, 61, sample_weight=weights)
    for batch_size in (1, 7):
        measured = model.evaluate(ROWS, y, batch_size, sample_weight=weights)
        assert_allclose(measured[1:], expected[1:], rtol=1e-12)
    if weights is None and not each_step:
        assert_allclose(model.evaluate(ROWS, y, 1)[0], expected[0], rtol=1e-12)


def test_batches_are_as_long_as_their_longest_sequence(monkeypatch):
    model = series()
    seen = shapes_of_batches(monkeypatch, model)
    model.fit(ROWS, Y, **OPTIONS, validation_data=(ROWS, Y))
    training, validation = seen[1:17], seen[17:]
    assert sum(rows for rows, _ in training) == sum(rows for rows, _ in validation) == 61
    assert sum(rows * steps for rows, steps in training) < 0.8 * 61 * 19
    assert [steps for _, steps in validation] == sorted(steps for _, steps in validation)


def test_labels_and_weights_follow_their_rows():
    """One epoch of batches by hand."""
    a, b = series(each_step=True), series(each_step=True)
    weights = RNG.random((61, 19))
    a.fit(ROWS, EACH, **OPTIONS, sample_weight=weights)
    order = by_length(LENGTHS, 4, b._shuffle_rng)
    for i in range(0, 61, 4):
        rows = order[i : i + 4]
        steps = max(1, LENGTHS[rows].max())
        b.train_on_batch([ROWS[r] for r in rows], [EACH[r] for r in rows], weights[rows, :steps])
    assert_same_weights(a, b)


def test_without_shuffling_the_order_stays(monkeypatch):
    model = series()
    seen = shapes_of_batches(monkeypatch, model)
    model.fit(ROWS, Y, **OPTIONS, shuffle=False)
    assert seen == [(len(n), max(1, n.max())) for n in np.split(LENGTHS, range(4, 61, 4))]


def test_stateful_layers_keep_their_rows():
    model = series(stateful=True)
    found = model.predict(ROWS[:60], 4)
    model.reset_states()
    expected = [model.predict_on_batch(ROWS[i : i + 4]) for i in range(0, 60, 4)]
    assert_allclose(found, np.concatenate(expected), atol=1e-12)


def test_training_is_resumed_to_the_bit(tmp_path):
    straight, broken, resumed = series(), series(), series()
    straight.fit(ROWS, Y, **OPTIONS, epochs=3)
    broken.fit(ROWS, Y, **OPTIONS, epochs=2)
    broken.save_training(tmp_path / "training.npz", 2)
    epoch = resumed.load_training(tmp_path / "training.npz")
    resumed.fit(ROWS, Y, **OPTIONS, epochs=3, initial_epoch=epoch)
    assert_same_weights(straight, resumed)


def test_outputs_in_reading_order_stay_where_they_are():
    model = series(each_step=True, go_backwards=True)
    assert_allclose(model.predict(ROWS, 4), model.predict(ROWS, 61), atol=1e-12)


def test_a_loss_that_counts_the_padding_has_it_all(monkeypatch):
    model = series(each_step=True)
    model.compile("sgd", nr.losses.MeanSquaredError(reduction="mean_all"))
    seen = shapes_of_batches(monkeypatch, model)
    model.evaluate(ROWS, EACH, 4)
    assert {steps for _, steps in seen} == {19}


def test_an_encoder_decoder_too():
    model = nr.EncoderDecoder([L.GRU(4)], [L.GRU(4, return_sequences=True), L.Dense(2)], start=[0, 0], dtype="float64")
    model.compile("sgd", "mse")
    targets = [y[::-1] for y in EACH[::-1]]
    found, expected = model.predict(ROWS, targets, 4), model.predict(ROWS, targets, 61)
    mask = np.arange(19) < LENGTHS[::-1, None]
    assert_allclose(found[mask], expected[mask], atol=1e-12)
    assert_allclose(model.evaluate(ROWS, targets, 4), model.evaluate(ROWS, targets, 61), rtol=1e-12)
    model.fit(ROWS, targets, **OPTIONS)
