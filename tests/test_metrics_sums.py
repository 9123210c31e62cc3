"""Metrics that are no means: the same whatever the batches."""

import numpy as np
import pytest
from helpers.toy import classifier, data

import numbarnn as nr
from numbarnn.layers import Dense
from numbarnn.metrics import AUC, F1, Precision, Recall

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 200)
SCORES = RNG.random((200, 3)) + np.eye(3)[LABELS] * 0.4
BINARY = RNG.integers(0, 2, 200)
PROBABILITY = np.clip(RNG.random((200, 1)) * 0.7 + BINARY[:, None] * 0.3, 0, 1)


def by_hand(kind, actual, positive):
    hits, false, missed = (actual & positive).sum(), (~actual & positive).sum(), (actual & ~positive).sum()
    parts = {Precision: (hits, hits + false), Recall: (hits, hits + missed), F1: (2 * hits, 2 * hits + false + missed)}
    return parts[kind][0] / parts[kind][1]


@pytest.mark.parametrize("kind", [Precision, Recall, F1])
def test_definitions(kind):
    predicted = SCORES.argmax(axis=1)
    each = [by_hand(kind, c == LABELS, c == predicted) for c in range(3)]
    assert kind()(LABELS, SCORES) == pytest.approx(np.mean(each), rel=1e-12)
    assert kind()(np.eye(3)[LABELS], SCORES) == pytest.approx(np.mean(each), rel=1e-12)
    assert kind(average="micro")(LABELS, SCORES) == pytest.approx((predicted == LABELS).mean(), rel=1e-12)
    weighted = np.average(each, weights=np.bincount(LABELS))
    assert kind(average="weighted")(LABELS, SCORES) == pytest.approx(weighted, rel=1e-12)
    for threshold in (None, 0.4):
        expected = by_hand(kind, BINARY == 1, PROBABILITY[:, 0] > (threshold or 0.5))
        assert kind(threshold)(BINARY, PROBABILITY) == pytest.approx(expected, rel=1e-12)
    several = [by_hand(kind, c == LABELS, SCORES[:, c] > 0.7) for c in range(3)]
    assert kind(0.7)(LABELS, SCORES) == pytest.approx(np.mean(several), rel=1e-12)


def test_area_under_the_curve():
    """Near the share of pairs in the right order; exact on the grid of thresholds."""
    positive, negative = PROBABILITY[BINARY == 1], PROBABILITY[BINARY == 0]
    exact = (positive > negative.T).mean() + (positive == negative.T).mean() / 2
    assert AUC(20_000)(BINARY, PROBABILITY) == pytest.approx(exact, abs=1e-4)
    assert AUC()(BINARY, PROBABILITY) == pytest.approx(exact, abs=5e-3)
    logits = np.log(PROBABILITY / (1 - PROBABILITY + 1e-12) + 1e-12)
    assert AUC(from_logits=True)(BINARY, logits) == pytest.approx(AUC()(BINARY, PROBABILITY), abs=5e-3)
    # by hand at the thresholds 0, 1/2 and 1: true rates 1, 1/2, 0 and false rates 1, 1/3, 0
    labels, scores = np.array([1, 1, 0, 0, 0]), np.array([[0.9], [0.2], [0.8], [0.1], [0.3]])
    assert AUC(3)(labels, scores) == pytest.approx((1 / 3) * (1 / 2) / 2 + (2 / 3) * (3 / 2) / 2, rel=1e-12)


@pytest.mark.parametrize("metric", [Precision(), Recall(), F1(), AUC()], ids=lambda m: m.name)
def test_an_output_without_positives_is_zero_and_finite(metric):
    assert metric(np.zeros(4, int), np.full((4, 1), 0.1)) == 0.0


@pytest.mark.parametrize("size", [1, 3, 8, 32, 200])
def test_batches_make_no_difference(size):
    metrics = [F1(), Precision(average="weighted"), "recall"]
    model = classifier(metrics=metrics, device="numpy")
    x, y = data(50)
    whole = model.evaluate(x, y, batch_size=50)
    assert model.evaluate(x, y, batch_size=size)[1:] == pytest.approx(whole[1:], rel=1e-12)
    predicted = model.predict(x)
    assert whole[1] == pytest.approx(F1()(y, predicted), rel=1e-12)
    history = model.fit(x, y, batch_size=size, shuffle=False, verbose=0, validation_data=(x, y))
    assert history.history["val_f1"][0] == pytest.approx(F1()(y, model.predict(x)), rel=1e-12)


def test_training_values_count_all_batches():
    """With a rate of zero the epoch's value is that of the whole data, truncated or not."""
    model = nr.Sequential(
        [nr.layers.Input((6, 2)), nr.layers.SimpleRNN(4, return_sequences=True), Dense(1, "sigmoid")], device="numpy"
    )
    model.compile(nr.optimizers.SGD(0.0), "binary_crossentropy", ["f1", "auc"])
    x, labels = data(20)
    y = np.repeat(labels[:, None, None] > 0, 6, axis=1).astype(int)
    expected = model.evaluate(x, y, return_dict=True)
    for options in ({}, {"truncate": (2, 4)}):
        history = model.fit(x, y, batch_size=7, verbose=0, **options).history
        assert history["f1"][0] == pytest.approx(expected["f1"], rel=1e-12)
        assert history["auc"][0] == pytest.approx(expected["auc"], rel=1e-12)
    assert model.train_on_batch(x, y)[1:] == pytest.approx([expected["f1"], expected["auc"]], rel=1e-12)


def test_a_mean_over_batches_of_unequal_size_counts_each_sample_once():
    """Of the training loss too: its last batch is shorter."""
    x, y = data(23)
    model = classifier(optimizer=nr.optimizers.SGD(0.0), device="numpy")
    scores = model.predict(x).astype("float64")
    losses = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(23), y]
    right = (scores.argmax(axis=1) == y).mean()
    layers = nr.layers.SimpleRNN(8)
    still = classifier(layers, optimizer=nr.optimizers.SGD(0.0), device="numpy")
    still.set_weights(model.get_weights())
    history = still.fit(x, y, batch_size=10, verbose=0).history
    assert history["loss"][0] == pytest.approx(losses.mean(), rel=1e-5)
    assert history["accuracy"][0] == pytest.approx(right, rel=1e-12)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: F1(threshold="a"), "F1: expected threshold to be a finite number, got 'a'"),
        (lambda: Recall(average="none"), "Recall: no average 'none'; there are macro, micro, weighted"),
        (lambda: AUC(1), "AUC: expected num_thresholds to be an integer above 1, got 1"),
        (lambda: F1()(np.array([3]), np.zeros((1, 3))), "F1: expected labels from 0 to 2, got 3 to 3"),
    ],
)
def test_refused(make, message):
    with pytest.raises(nr.InputError, match="^" + message.replace("(", r"\(").replace(")", r"\)")):
        make()
