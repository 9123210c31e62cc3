import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)

EPSILON = 1e-7  # Keras' clip
SHAPES = [(6, 4), (3, 5, 4)]  # of predictions: one, and one for each step


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def clip(p):
    return anp.where(p < EPSILON, EPSILON, anp.where(p > 1 - EPSILON, 1 - EPSILON, p))


def log_softmax(a):
    return a - anp.log(anp.sum(anp.exp(a), axis=-1, keepdims=True))


# The losses in autograd, as means over all rows (or elements).
REFERENCES = {
    "logits": lambda y, a: -anp.mean(anp.sum(y * log_softmax(a), axis=-1)),
    "probabilities": lambda y, p: (
        -anp.mean(anp.sum(y * anp.log(clip(p / anp.sum(p, axis=-1, keepdims=True))), axis=-1))
    ),
    "binary_logits": lambda y, a: (
        -anp.mean(y * anp.log(1 / (1 + anp.exp(-a))) + (1 - y) * anp.log(1 / (1 + anp.exp(a))))
    ),
    "binary": lambda y, p: -anp.mean(y * anp.log(clip(p)) + (1 - y) * anp.log(1 - clip(p))),
    "mse": lambda y, a: anp.mean((a - y) ** 2),
    "mae": lambda y, a: anp.mean(anp.abs(a - y)),
    "huber": lambda y, a: anp.mean(anp.where(anp.abs(a - y) < 0.7, 0.5 * (a - y) ** 2, 0.7 * (anp.abs(a - y) - 0.35))),
}


def check(loss, y, y_pred, reference, y_reference):
    value, gradient = loss.value_and_gradient(y, y_pred)
    assert type(value) is float and value == loss(y, y_pred)
    assert gradient.shape == y_pred.shape and gradient.dtype == y_pred.dtype
    assert_allclose(value, reference(y_reference, y_pred), rtol=1e-13)
    assert_allclose(gradient, grad(reference, 1)(y_reference, y_pred), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("shape", SHAPES)
def test_cross_entropies_of_classes(rng, shape):
    scores = 3 * rng.standard_normal(shape)
    labels = rng.integers(0, shape[-1], shape[:-1])
    one_hot, soft = np.eye(shape[-1])[labels], rng.random(shape)
    check(SparseCategoricalCrossentropy(from_logits=True), labels, scores, REFERENCES["logits"], one_hot)
    check(CategoricalCrossentropy(from_logits=True), one_hot, scores, REFERENCES["logits"], one_hot)
    check(CategoricalCrossentropy(from_logits=True), soft, scores, REFERENCES["logits"], soft)

    p = rng.random(shape)  # neither normalised nor away from the clip
    p[0], p[1] = np.eye(shape[-1])[0], 1e-9 * p[1] + np.eye(shape[-1])[1]
    check(SparseCategoricalCrossentropy(), labels, p, REFERENCES["probabilities"], one_hot)
    check(CategoricalCrossentropy(), one_hot, p, REFERENCES["probabilities"], one_hot)
    check(CategoricalCrossentropy(), soft, p, REFERENCES["probabilities"], soft)


@pytest.mark.parametrize("shape", [(7, 1), (3, 5, 2)])
def test_binary_cross_entropy(rng, shape):
    hard, soft = rng.integers(0, 2, shape), rng.random(shape)
    scores, p = 5 * rng.standard_normal(shape), rng.random(shape)
    p[0], p[1] = 0.0, 1.0
    for y in (hard, soft):
        check(BinaryCrossentropy(from_logits=True), y, scores, REFERENCES["binary_logits"], y)
        check(BinaryCrossentropy(), y, p, REFERENCES["binary"], y)


@pytest.mark.parametrize("shape", [(6, 1), (3, 5, 2)])
def test_losses_of_numbers(rng, shape):
    y, a = rng.standard_normal(shape), rng.standard_normal(shape)
    check(MeanSquaredError(), y, a, REFERENCES["mse"], y)
    check(MeanAbsoluteError(), y, a, REFERENCES["mae"], y)
    check(Huber(0.7), y, a, REFERENCES["huber"], y)


def test_losses_of_numbers_by_hand():
    y, a = np.zeros((1, 4)), np.array([[0.0, -0.5, 1.0, 3.0]])
    value, gradient = MeanAbsoluteError().value_and_gradient(y, a)
    assert value == 4.5 / 4
    assert_array_equal(gradient, np.array([[0, -1, 1, 1]]) / 4)
    value, gradient = Huber().value_and_gradient(y, a)
    assert value == (0.125 + 0.5 + 2.5) / 4
    assert_array_equal(gradient, np.array([[0, -0.5, 1, 1]]) / 4)
    for delta in (0, -1):
        with pytest.raises(nr.InputError, match="Huber: expected delta to be a number above 0"):
            Huber(delta)


LOSSES = [
    SparseCategoricalCrossentropy,
    CategoricalCrossentropy,
    BinaryCrossentropy,
    MeanSquaredError,
    MeanAbsoluteError,
    Huber,
]


@pytest.mark.parametrize("make", LOSSES)
def test_weights_and_reductions(rng, make):
    """Against the losses of the rows one by one, and central differences."""
    p = rng.random((3, 5, 4))
    y = rng.integers(0, 4, (3, 5)) if make is SparseCategoricalCrossentropy else rng.random((3, 5, 4))
    terms = np.array([[make()(y[b, t][None], p[b, t][None]) for t in range(5)] for b in range(3)])
    of_rows, of_steps = rng.random(3), rng.random((3, 5))
    of_steps[1, 2] = of_steps[0, 0] = 0
    for weights in (None, of_rows, of_steps):
        w = np.ones((3, 5)) if weights is None else np.broadcast_to(weights.reshape(3, -1), (3, 5))
        total = (w * terms).sum()
        for reduction, expected in (("mean_valid", total / w.sum()), ("mean_all", total / 15), ("sum", total)):
            loss = make(reduction=reduction)
            value, gradient = loss.value_and_gradient(y, p, weights)
            assert_allclose([value, loss(y, p, weights)], expected, rtol=1e-13)
            for index in ((0, 1, 2), (1, 2, 0), (2, 4, 3)):
                ends = []
                for change in (1e-6, -1e-6):
                    moved = p.copy()
                    moved[index] += change
                    ends.append(loss(y, moved, weights))
                assert_allclose(gradient[index], (ends[0] - ends[1]) / 2e-6, rtol=1e-5, atol=1e-8)
    assert_allclose(make(reduction="mean_all").value_and_gradient(y, p, hidden=5)[0], terms.sum() / 20, rtol=1e-13)


def test_weights_of_zero_hide_even_nan():
    y_pred = np.array([[1.0], [np.nan], [3.0]], "float32")
    value, gradient = MeanSquaredError().value_and_gradient(np.zeros((3, 1)), y_pred, np.array([1.0, 0.0, 3.0]))
    assert value == (1 + 27) / 4 and gradient.dtype == "float32"
    assert_array_equal(gradient, np.array([[2], [0], [18]]) / 4)
    value, gradient = MeanSquaredError().value_and_gradient(np.zeros((3, 1)), y_pred, np.zeros(3))
    assert value == 0 and not gradient.any()


def test_the_sum_of_float32_weights_does_not_depend_on_their_layout():
    weights, y = np.random.default_rng(1).random((70, 90), "f4"), np.zeros((70, 90, 1))
    pred = np.ones((70, 90, 1))
    for same in (weights, np.asfortranarray(weights), np.repeat(weights, 2, 1)[:, ::2]):
        weighted = MeanAbsoluteError(reduction="mean_valid").value_and_gradient(y, pred, same)[1].sum()
        assert abs(weighted - 1) < 1e-12


def test_weights_must_fit():
    y = np.zeros((3, 5, 4))
    for shape in ((5,), (3, 4), (3, 5, 4), ()):
        with pytest.raises(nr.InputError, match=r"MeanSquaredError: expected weights of shape \(3,\) or \(3, 5\), got"):
            MeanSquaredError()(y, y, np.ones(shape))
    with pytest.raises(nr.InputError, match="Huber: expected reduction to be one of mean_valid, mean_all, sum"):
        Huber(reduction="mean")


def test_the_collapsed_network_of_the_notebook():
    """Keras printed 14.573981651306152: one digit predicted with certainty, right for 958 of 10,000."""
    labels = np.repeat([6, 3], [958, 9042])
    p = np.zeros((10_000, 10), "float32")
    p[:, 6] = 1
    for loss, y in (
        (SparseCategoricalCrossentropy(), labels),
        (CategoricalCrossentropy(), np.eye(10, dtype="float32")[labels]),
    ):
        value, gradient = loss.value_and_gradient(y, p)
        assert_allclose(value, 14.573981651306152, rtol=1e-6)
        assert not gradient.any()
    wrong, _ = CategoricalCrossentropy().value_and_gradient([[0.0, 1.0]], np.array([[1.0, 0.0]]))
    assert_allclose(wrong, 16.11809565, rtol=1e-9)


def test_logits_may_be_extreme():
    scores = np.array([[1e4, -1e4, 0.0]], "float32")
    value, gradient = SparseCategoricalCrossentropy(from_logits=True).value_and_gradient([1], scores)
    assert value == 2e4
    assert_array_equal(gradient, [[1, -1, 0]])
    value, gradient = BinaryCrossentropy(from_logits=True).value_and_gradient([[0.0, 1.0]], scores[:, :2])
    assert value == 1e4
    assert_array_equal(gradient, [[0.5, -0.5]])


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("make", [SparseCategoricalCrossentropy, CategoricalCrossentropy, BinaryCrossentropy])
def test_nan_shows(make, from_logits):
    scores = np.array([[0.3, np.nan], [0.5, 0.5]], "float32")
    y = [1, 0] if make is SparseCategoricalCrossentropy else np.eye(2)
    value, gradient = make(from_logits=from_logits).value_and_gradient(y, scores)
    assert np.isnan(value) and np.isnan(gradient[0, 1]) and np.isfinite(gradient[1]).all()


@pytest.mark.parametrize("loss", nr.losses.BY_NAME)
def test_float32_stays_and_an_empty_batch_costs_nothing(loss):
    loss = nr.losses.get(loss)
    scores = np.zeros((0, 3), "float32")
    y = np.zeros(0, int) if isinstance(loss, SparseCategoricalCrossentropy) else np.zeros((0, 3))
    value, gradient = loss.value_and_gradient(y, scores)
    assert value == 0.0 and gradient.shape == (0, 3) and gradient.dtype == "float32"


def test_binary_labels_of_rank_one_less(rng):
    y, p = rng.integers(0, 2, 6), rng.random((6, 1))
    assert BinaryCrossentropy()(y, p) == BinaryCrossentropy()(y[:, None], p)


SCORES = np.full((5, 3), 0.2, "float32")


@pytest.mark.parametrize(
    "loss, y, message",
    [
        (
            "mse",
            np.zeros(5),
            r"expected numbers of the shape of the predictions, \(5, 3\), got float64 of shape \(5,\)",
        ),
        ("mse", np.zeros((5, 1)), r"got float64 of shape \(5, 1\)"),
        ("mse", np.full((5, 3), "a"), "expected numbers"),
        ("categorical_crossentropy", np.zeros(5, int), r"got int64 of shape \(5,\)"),
        ("categorical_crossentropy", np.zeros((5, 4)), r"got float64 of shape \(5, 4\)"),
        ("sparse_categorical_crossentropy", np.zeros((5, 1), int), r"expected integer labels of shape \(5,\)"),
        ("sparse_categorical_crossentropy", np.zeros(5), r"got float64 of shape \(5,\)"),
        ("sparse_categorical_crossentropy", np.zeros(4, int), r"got int64 of shape \(4,\)"),
        ("sparse_categorical_crossentropy", [0, 1, 2, 3, 0], "expected labels from 0 to 2, got 0 to 3"),
        ("sparse_categorical_crossentropy", [0, 1, 2, -1, 0], "expected labels from 0 to 2, got -1 to 2"),
        ("binary_crossentropy", np.zeros(5, int), r"expected labels of shape \(5, 3\), got int64 of shape \(5,\)"),
        ("binary_crossentropy", np.full((5, 3), 2), "expected labels from 0 to 1, got 2 to 2"),
        ("binary_crossentropy", np.full((5, 3), np.nan), "expected labels from 0 to 1, got nan"),
    ],
)
def test_labels_that_do_not_fit(loss, y, message):
    with pytest.raises(nr.InputError, match=message):
        nr.losses.get(loss)(y, SCORES)


def test_options_and_names():
    with pytest.raises(nr.InputError, match="it takes from_logits, reduction, legacy_clip"):
        CategoricalCrossentropy(logits=True)
    with pytest.raises(nr.InputError, match="legacy_clip is about probabilities"):
        CategoricalCrossentropy(from_logits=True, legacy_clip=True)
    with pytest.raises(nr.InputError, match=r"MeanSquaredError: .* it takes reduction"):
        MeanSquaredError(from_logits=True)
    with pytest.raises(
        nr.InputError, match="loss: expected a Loss, a function or one of sparse_categorical_crossentropy"
    ):
        nr.losses.get("crossentropy")
    with pytest.raises(nr.InputError, match="float32 or float64, got int64"):
        MeanSquaredError()(np.zeros((2, 2)), np.zeros((2, 2), int))
    assert repr(BinaryCrossentropy(from_logits=True)) == "BinaryCrossentropy(from_logits=True)"


def test_own_loss(rng):
    class AbsoluteError(Loss):
        def terms(self, y_true, y_pred):
            return np.abs(y_pred - y_true).sum(axis=-1), np.sign(y_pred - y_true)

    loss, y_pred = nr.losses.get(AbsoluteError()), np.array([[1.0, -2.0], [3.0, 0.0]])
    assert loss(np.zeros((2, 2)), y_pred) == 3.0
    assert loss(np.zeros((2, 2)), np.array([[1.0, -2.0], [2.0, 0.0]]), weights=[3, 1]) == 11 / 4


def test_pinball():
    y, p = np.array([[1.0], [2.0], [3.0]]), np.array([[0.0], [4.0], [3.0]])
    terms, gradient = nr.losses.Pinball(0.9).terms(y, p)
    assert_allclose(terms, [0.9, 0.2, 0.0], atol=1e-15)
    assert_allclose(gradient, [[-0.9], [0.1], [0.0]])
    several = nr.losses.Pinball((0.1, 0.9))
    terms, gradient = several.terms(y, np.repeat(p, 2, axis=1))  # one value for both quantiles
    assert_allclose(terms, [0.5, (1.8 + 0.2) / 2, 0.0])
    assert_allclose(gradient, [[-0.05, -0.45], [0.45, 0.05], [0, 0]])
    rng = np.random.default_rng(0)
    y, p = rng.standard_normal((7, 3, 2)), rng.standard_normal((7, 3, 2))
    direction, loss = rng.standard_normal(p.shape), nr.losses.Pinball([0.3, 0.6])
    slope = (loss(y, p + 1e-6 * direction) - loss(y, p - 1e-6 * direction)) / 2e-6
    assert_allclose((loss.value_and_gradient(y, p)[1] * direction).sum(), slope, rtol=1e-6)
    for make in (lambda: nr.losses.Pinball(1.0), lambda: nr.losses.Pinball([0.1, 2]), lambda: nr.losses.Pinball("q")):
        with pytest.raises(nr.InputError, match=r"Pinball: expected quantiles to be numbers in \(0, 1\)"):
            make()
    with pytest.raises(nr.InputError, match=r"targets of shape \(4, 1\) or \(4, 2\), got \(4,\); y\[..., None\]"):
        several.terms(np.zeros(4), np.zeros((4, 2)))
    with pytest.raises(nr.InputError, match="Pinball: expected 2 outputs, one for each quantile, got 3"):
        several(np.zeros((2, 3)), np.zeros((2, 3)))


def test_the_median_of_a_forecast():
    """A bias alone, trained with the loss of the quantile 0.8, ends at that quantile of the labels."""
    y = np.sort(np.random.default_rng(0).standard_normal((200, 1)), axis=0)
    model = nr.Sequential([nr.layers.Input((1,)), nr.layers.Dense(1)], dtype="float64")
    model.compile(nr.optimizers.SGD(0.05), nr.losses.Pinball(0.8))
    model.fit(np.zeros((200, 1)), y, batch_size=200, epochs=400, verbose=0)
    assert y[155] < model.params["dense/bias"] < y[165]


def test_functions_as_losses():
    def cubic(y, p):
        return (np.abs(p - y) ** 3).sum(axis=-1), 3 * (p - y) * np.abs(p - y)

    rng = np.random.default_rng(1)
    y, p = rng.standard_normal((4, 5, 2)), rng.standard_normal((4, 5, 2)).astype("float32")
    loss = nr.losses.get(cubic)
    value, gradient = loss.value_and_gradient(y, p, weights=np.arange(4.0))
    assert_allclose(value, ((np.abs(p - y) ** 3).sum(axis=-1).mean(axis=1) * np.arange(4)).sum() / 6, rtol=1e-6)
    assert gradient.dtype == np.float32
    model = nr.Sequential([nr.layers.Input((3,)), nr.layers.Dense(2)])
    model.compile(nr.optimizers.Adam(0.05), cubic)
    x, labels = rng.standard_normal((30, 3)), rng.standard_normal((30, 2))
    assert model.fit(x, labels, epochs=20, verbose=0).history["loss"][-1] < model.history.history["loss"][0]
    for wrong, message in [
        (lambda y, p: p, r"<lambda>: expected a pair \(values, gradient\), got ndarray"),
        (lambda y, p: (p, p), r"<lambda>: expected values of shape \(4, 5\) for predictions of shape \(4, 5, 2\)"),
        (lambda y, p: (p[..., 0], p[0]), r"expected a gradient of shape \(4, 5, 2\) .* got float32 of shape \(5, 2\)"),
    ]:
        with pytest.raises(nr.InputError, match=message):
            nr.losses.get(wrong)(y, p)
