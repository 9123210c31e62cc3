import numpy as np
import pytest

import numbarnn as nr
from numbarnn import losses, metrics
from numbarnn.metrics import (
    Perplexity,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    in_top_k,
    keras2_binary_accuracy,
    sparse_categorical_accuracy,
)

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    "label, scores, k, correct",
    [
        (2, [0.1, 0.2, 0.7], 1, True),
        (1, [0.1, 0.2, 0.7], 1, False),
        (1, [0.1, 0.2, 0.7], 2, True),
        (0, [0.5, 0.5, 0.1], 1, True),  # ties count
        (1, [0.5, 0.5, 0.1], 1, True),
        (2, [0.5, 0.5, 0.1], 2, False),  # two classes are strictly larger
        (0, [NAN, 0.5, 0.1], 3, False),
        (0, [INF, 0.5, 0.1], 1, False),
        (0, [0.3, NAN, 0.1], 1, True),  # only the target's score must be finite
    ],
)
def test_in_top_k(label, scores, k, correct):
    assert in_top_k([label], [scores], k) == correct


def test_accuracy_takes_the_first_of_equal_scores():
    scores = np.array([[0.5, 0.5, 0.1], [0.5, 0.5, 0.1], [0.0, 0.1, 0.9], [NAN, 0.1, 0.9]])
    assert sparse_categorical_accuracy([0, 1, 2, 0], scores) == 0.5
    assert categorical_accuracy(np.eye(3)[[0, 1, 2, 0]], scores) == 0.5


def test_binary_accuracy_is_strict_at_one_half():
    p = np.array([[0.5], [0.500001], [0.2], [0.9], [NAN]])
    assert binary_accuracy([0, 1, 0, 0, 0], p) == 3 / 5
    assert binary_accuracy([[0.0], [1.0], [0.0], [0.0], [0.0]], p) == 3 / 5
    assert binary_accuracy([1, 0], np.array([[0.3], [-0.3]]), threshold=0.0) == 1.0


def test_binary_accuracy_of_keras_2_rounds():
    """To the nearest integer, halves to the even one: outside [0, 1] that is another class."""
    p = np.array([[0.5], [0.500001], [-0.3], [1.4], [1.5], [1.6], [2.0], [NAN]])
    assert (np.round(p[:7, 0]) == [0, 1, 0, 1, 2, 2, 2]).all()
    ones = np.ones(8, int)
    assert keras2_binary_accuracy(ones, p) == 2 / 8 and binary_accuracy(ones, p) == 5 / 8
    assert keras2_binary_accuracy(0 * ones, p) == 2 / 8 and binary_accuracy(0 * ones, p) == 2 / 8
    soft = np.array([[0.7]])
    assert keras2_binary_accuracy(soft, soft) == 0.0 and binary_accuracy(soft, soft) == 1.0


def test_top_k():
    scores = np.array([[0.1, 0.2, 0.3, 0.4]] * 4)
    for k, expected in ((1, 0.25), (2, 0.5), (4, 1.0), (9, 1.0)):
        assert SparseTopKCategoricalAccuracy(k)([0, 1, 2, 3], scores) == expected
        assert TopKCategoricalAccuracy(k)(np.eye(4), scores) == expected
        assert in_top_k([0, 1, 2, 3], scores, k) == expected
    for k in (0, -1):
        with pytest.raises(nr.InputError, match="TopKCategoricalAccuracy: expected k to be a positive integer"):
            TopKCategoricalAccuracy(k)


def test_perplexity():
    """exp of the mean over all rows, whatever the batches."""
    logits = np.log([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]])
    metric = Perplexity(from_logits=True)
    mean = -(np.log(0.5) + np.log(0.1)) / 2
    assert metric([0, 1], logits) == pytest.approx(mean) == pytest.approx(metric(np.eye(3)[[0, 1]], logits))
    assert metric.of_mean(mean) == pytest.approx(1 / np.sqrt(0.05)) and metric.of_mean(1e4) == INF
    assert Perplexity()([0, 1], np.exp(logits)) == pytest.approx(mean)
    for loss in (losses.SparseCategoricalCrossentropy(True), losses.CategoricalCrossentropy()):
        assert metrics.get("perplexity", loss) == ("perplexity", Perplexity(loss.from_logits))
    with pytest.raises(nr.InputError, match="perplexity expects a cross-entropy of classes as the loss, got Mean"):
        metrics.get("perplexity", losses.MeanSquaredError())


def test_accuracy_per_step():
    scores = np.eye(4)[[[0, 1, 2], [3, 3, 3]]]
    assert sparse_categorical_accuracy([[0, 1, 3], [3, 2, 3]], scores) == 4 / 6


@pytest.mark.parametrize("name", ["accuracy", "acc"])
@pytest.mark.parametrize(
    "loss, y, scores, expected",
    [
        (losses.SparseCategoricalCrossentropy(), [1, 0], [[0.2, 0.8], [0.4, 0.6]], 0.5),
        (losses.CategoricalCrossentropy(), [[0, 1], [1, 0]], [[0.2, 0.8], [0.4, 0.6]], 0.5),
        (losses.BinaryCrossentropy(), [1, 0], [[0.4], [0.3]], 0.5),
        (losses.BinaryCrossentropy(from_logits=True), [1, 0], [[0.4], [0.3]], 0.5),
        (losses.BinaryCrossentropy(from_logits=True), [1, 0], [[0.4], [-0.3]], 1.0),
        (losses.MeanSquaredError(), [[1.0], [0.0]], [[0.4], [0.3]], 0.5),
        (losses.MeanSquaredError(), [[0.0, 1.0]], [[0.2, 0.8]], 1.0),
    ],
)
def test_accuracy_follows_the_loss_and_the_shapes(name, loss, y, scores, expected):
    found, metric = metrics.get(name, loss)
    assert found == name and metric(np.array(y), np.array(scores)) == expected


def test_names_and_functions():
    loss = losses.MeanSquaredError()
    assert metrics.get("mse", loss)[1](np.zeros((2, 1)), np.full((2, 1), 3.0)) == 9.0

    def bias(y_true, y_pred):
        return float(np.mean(y_pred - y_true))

    assert metrics.get(bias, loss) == ("bias", bias)
    assert metrics.get(SparseTopKCategoricalAccuracy(3, name="top 3"), loss)[0] == "top 3"
    assert list(metrics.by_name(["mae", "in_top_k", bias], loss)) == ["mae", "in_top_k", "bias"]
    for unknown in ("accuarcy", 3, None):
        with pytest.raises(nr.InputError, match="or one of accuracy, acc, perplexity, sparse_categorical_accuracy"):
            metrics.get(unknown, loss)


def test_shapes_are_checked():
    message = r"categorical_accuracy: expected .* shape of the predictions, \(2, 3\), got float64 of shape \(2, 1\)"
    with pytest.raises(nr.InputError, match=message):
        categorical_accuracy(np.zeros((2, 1)), np.zeros((2, 3)))
    with pytest.raises(nr.InputError, match="expected labels from 0 to 2"):
        in_top_k([3], [[0.1, 0.2, 0.3]])


def test_empty_batch():
    assert sparse_categorical_accuracy(np.zeros(0, int), np.zeros((0, 3))) == 0.0
