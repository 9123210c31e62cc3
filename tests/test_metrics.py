import numpy as np
import pytest

import numbarnn as nr
from numbarnn import losses, metrics
from numbarnn.metrics import binary_accuracy, categorical_accuracy, in_top_k, sparse_categorical_accuracy

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
    for unknown in ("accuarcy", 3, None):
        with pytest.raises(nr.InputError, match="or one of accuracy, acc, sparse_categorical_accuracy"):
            metrics.get(unknown, loss)


def test_shapes_are_checked():
    with pytest.raises(nr.InputError, match=r"categorical_accuracy: expected labels of shape \(2, 3\), got \(2, 1\)"):
        categorical_accuracy(np.zeros((2, 1)), np.zeros((2, 3)))
    with pytest.raises(nr.InputError, match="expected labels from 0 to 2"):
        in_top_k([3], [[0.1, 0.2, 0.3]])


def test_empty_batch():
    assert sparse_categorical_accuracy(np.zeros(0, int), np.zeros((0, 3))) == 0.0
