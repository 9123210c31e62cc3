"""Penalties and constraints: their values by hand, and their way into a model's loss, gradient and update."""

import numpy as np
import pytest
from helpers.layer_checks import central_difference
from helpers.toy import classifier, data
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn import Sequential
from numbarnn.constraints import MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from numbarnn.layers import GRU, LSTM, Activation, Bidirectional, Dense, Embedding, SimpleRNN, TimeDistributed
from numbarnn.optimizers import SGD
from numbarnn.regularizers import L1, L1L2, L2

W = np.array([[1.0, -2.0], [0.0, 4.0]])


@pytest.mark.parametrize(
    "regularizer, value, gradient",
    [
        (L1(0.5), 3.5, [[0.5, -0.5], [0, 0.5]]),
        (L2(0.5), 10.5, [[1, -2], [0, 4]]),
        (L1L2(0.1, 0.01), 0.7 + 0.21, [[0.12, -0.14], [0, 0.18]]),
        (L1(), 0.07, [[0.01, -0.01], [0, 0.01]]),
        (L2(), 0.21, [[0.02, -0.04], [0, 0.08]]),
        (L1L2(), 0, np.zeros((2, 2))),
    ],
    ids=str,
)
def test_penalties(regularizer, value, gradient):
    assert isinstance(regularizer(W), float) and regularizer(W) == pytest.approx(value)
    assert_allclose(regularizer.gradient(W), gradient, rtol=1e-14)
    assert regularizer.gradient(W.astype("float32")).dtype == "float32"
    away_from_zero = W + 0.5
    expected = central_difference(lambda: regularizer(away_from_zero), away_from_zero)
    assert_allclose(regularizer.gradient(away_from_zero), expected, rtol=1e-8, atol=1e-9)


def test_penalties_by_name():
    for name, same in (("l1", L1(0.01)), ("l2", L2(0.01)), ("l1_l2", L1L2(0.01, 0.01))):
        assert nr.regularizers.get(name)(W) == same(W)
    assert nr.regularizers.get(None) is None
    assert repr(L1L2(0.1, 0.2)) == "L1L2(l1=0.1, l2=0.2)" and repr(L2()) == "L2(l2=0.01)"


C = np.array([[3.0, -0.3], [-4.0, 0.4]])  # columns of norm 5 and 0.5


@pytest.mark.parametrize(
    "constraint, expected",
    [
        (NonNeg(), [[3, 0], [0, 0.4]]),
        (MaxNorm(), [[1.2, -0.3], [-1.6, 0.4]]),
        (MaxNorm(0.25), [[0.15, -0.15], [-0.2, 0.2]]),
        (MaxNorm(0.3, axis=1), C * 0.3 / np.hypot(*C.T)[:, None]),
        (UnitNorm(), [[0.6, -0.6], [-0.8, 0.8]]),
        (UnitNorm(axis=1), C / np.hypot(*C.T)[:, None]),
        (MinMaxNorm(), [[0.6, -0.3], [-0.8, 0.4]]),
        (MinMaxNorm(2, 3), [[1.8, -1.2], [-2.4, 1.6]]),
        (MinMaxNorm(2, 3, rate=0.5), [[2.4, -0.75], [-3.2, 1.0]]),
    ],
    ids=str,
)
def test_constraints(constraint, expected):
    kept = C.copy()
    assert_allclose(constraint(C), expected, rtol=1e-6)
    assert_array_equal(C, kept)
    assert constraint(C.astype("float32")).dtype == "float32"
    assert np.isfinite(constraint(np.zeros((2, 2)))).all()


def test_constraints_by_name():
    names = {"max_norm": MaxNorm(2), "non_neg": NonNeg(), "unit_norm": UnitNorm(), "min_max_norm": MinMaxNorm(0, 1)}
    for name, same in names.items():
        assert_array_equal(nr.constraints.get(name)(C), same(C))
    assert nr.constraints.get(np.abs) is np.abs and nr.constraints.get(None) is None


def penalised():
    model = Sequential(
        [
            Embedding(7, 3, embeddings_regularizer=L2(0.3)),
            Bidirectional(
                LSTM(2, return_sequences=True, kernel_regularizer=L2(0.1), recurrent_regularizer=L1(0.2)),
                activity_regularizer=L2(0.4),
            ),
            TimeDistributed(Dense(3, kernel_regularizer=L1L2(0.1, 0.3)), activity_regularizer=L1(0.05)),
            GRU(3, bias_regularizer=L2(0.7), activity_regularizer=L1L2(0.02, 0.1)),
            Activation("softmax", activity_regularizer=L2(0.9)),
        ],
        dtype="float64",
    )
    model.compile(SGD(1.0), nr.losses.SparseCategoricalCrossentropy())
    model.build((None, None))
    rng = np.random.default_rng(0)
    model.set_weights([w + 0.3 * rng.standard_normal(w.shape) for w in model.get_weights()])
    return model, rng.integers(0, 7, (4, 5)), rng.integers(0, 3, 4)


def test_the_loss_holds_all_penalties():
    model, x, y = penalised()
    embedding, both, dense, gru, softmax = model.layers
    p = model.params
    on_params = (
        0.3 * np.square(p["embedding/embeddings"]).sum()
        + sum(0.1 * np.square(p[f"bidirectional/{d}/kernel"]).sum() for d in ("forward", "backward"))
        + sum(0.2 * np.abs(p[f"bidirectional/{d}/recurrent_kernel"]).sum() for d in ("forward", "backward"))
        + 0.1 * np.abs(p["time_distributed/kernel"]).sum()
        + 0.3 * np.square(p["time_distributed/kernel"]).sum()
        + 0.7 * np.square(p["gru/bias"]).sum()
    )
    a = both(embedding(x))
    b = dense(a)
    c = gru(b)
    d = softmax(c)
    on_outputs = (
        0.4 * np.square(a).sum()
        + 0.05 * np.abs(b).sum()
        + 0.02 * np.abs(c).sum()
        + 0.1 * np.square(c).sum()
        + 0.9 * np.square(d).sum()
    ) / len(x)
    expected = model.loss(y, d) + on_params + on_outputs
    assert_allclose(model.test_on_batch(x, y), expected, rtol=1e-12)
    assert_allclose(model.evaluate(x, y), expected, rtol=1e-12)


def test_the_gradient_holds_all_penalties():
    """An update with a rate of 1 takes the whole gradient off the weights."""
    model, x, y = penalised()
    expected = {name: central_difference(lambda: model.test_on_batch(x, y), w) for name, w in model.params.items()}
    before = {name: w.copy() for name, w in model.params.items()}
    model.train_on_batch(x, y)
    for name, w in model.params.items():
        assert_allclose(before[name] - w, expected[name], rtol=1e-6, atol=1e-8, err_msg=name)


def test_constraints_hold_after_every_update():
    x, y = data(40)
    recurrent = LSTM(
        8, kernel_constraint="unit_norm", recurrent_constraint=MaxNorm(0.4), bias_constraint="non_neg", use_bias=True
    )
    model = classifier(
        Bidirectional(recurrent), last=Dense(3, kernel_constraint=lambda w: np.clip(w, -0.1, 0.1)), optimizer=SGD(2.0)
    )
    assert len(model.constraints) == 7
    before = model.get_weights()
    model.fit(x, y, batch_size=8, verbose=0)
    assert all(np.any(a != b) for a, b in zip(before, model.get_weights(), strict=True))
    p = model.params
    assert all(model.layers[0].params[name.partition("/")[2]] is p[name] for name in p if name.startswith("bidir"))
    for direction in ("forward", "backward"):
        kernel, recurrent, bias = (p[f"bidirectional/{direction}/{n}"] for n in ("kernel", "recurrent_kernel", "bias"))
        assert_allclose(np.linalg.norm(kernel, axis=0), 1, rtol=1e-5)
        assert np.linalg.norm(recurrent, axis=0).max() < 0.4001
        assert bias.min() == 0 < bias.max()
    assert np.abs(p["dense/kernel"]).max() == np.float32(0.1) < np.abs(p["dense/bias"]).max()


def test_no_bias_no_penalty():
    model = classifier(SimpleRNN(4, use_bias=False, bias_regularizer="l2", bias_constraint="non_neg"))
    assert not model.regularizers and not model.constraints
    model.train_on_batch(*data(8))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: Dense(3, kernel_regularizer="l3"), "regularizer: expected a Regularizer or one of l1, l2, l1_l2, got"),
        (lambda: LSTM(3, recurrent_regularizer=abs), "regularizer: expected a Regularizer"),
        (lambda: Embedding(3, 2, embeddings_constraint="norm"), "constraint: expected a callable or one of max_norm"),
        (lambda: L2(-1), "L2: expected l2 to be a number of at least 0, got -1"),
        (lambda: L1L2(l3=1), "L1L2: .* it takes l1, l2"),
        (lambda: MaxNorm(-1), "MaxNorm: expected max_value from 0 to inf, got -1"),
        (lambda: MinMaxNorm(rate=2), "MinMaxNorm: expected rate from 0 to 1, got 2"),
        (lambda: MinMaxNorm(2, 1), "MinMaxNorm: expected min_value up to max_value, got 2, 1"),
        (lambda: nr.layers.Input((3,), activity_regularizer="l1"), "input: expected no activity_regularizer"),
        (lambda: TimeDistributed(Dense(3, activity_regularizer="l1")), "activity_regularizer on itself"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(nr.InputError, match=message):
        call()


def test_a_last_softmax_with_a_penalty_keeps_its_own_gradient():
    """The loss cannot start from logits then; values agree all the same."""
    x, y = data(20)
    plain, with_penalty = (
        classifier(
            SimpleRNN(4), last=Dense(3, "softmax", activity_regularizer=r), loss="sparse_categorical_crossentropy"
        )
        for r in (None, L2(0.0))
    )
    assert_allclose(plain.train_on_batch(x, y), with_penalty.train_on_batch(x, y), rtol=1e-6)
    for a, b in zip(plain.get_weights(), with_penalty.get_weights(), strict=True):
        assert_allclose(a, b, rtol=1e-4, atol=1e-6)
