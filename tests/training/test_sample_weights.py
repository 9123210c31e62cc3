"""Weights of samples, steps and classes in training and evaluation."""

import numpy as np
import pytest
from helpers.layer_checks import central_difference
from helpers.toy import LOGITS, X, Y, assert_same_weights, classifier, data, fit
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn import Sequential
from numbarnn.layers import LSTM, Dense, Input, Masking, SimpleRNN
from numbarnn.losses import BinaryCrossentropy, CategoricalCrossentropy, MeanSquaredError, SparseCategoricalCrossentropy
from numbarnn.optimizers import SGD

REDUCTIONS = ("mean_valid", "mean_all", "sum")


def small(*layers, **options):
    return classifier(*(layers or [SimpleRNN(4)]), device="numpy", dtype="float64", **options)


def tagger(reduction, loss=SparseCategoricalCrossentropy, **options):
    model = Sequential(
        [Input((None, 2)), Masking(), LSTM(3, return_sequences=True), Dense(3)], dtype="float64", device="numpy"
    )
    model.compile(SGD(1.0), loss(from_logits=True, reduction=reduction, **options), ["accuracy"])
    return model


def sequences():
    """(x, y, mask, weights of steps), one row without a step, masked labels out of range."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((5, 6, 2)), rng.integers(0, 3, (5, 6))
    mask = np.arange(6) < np.array([6, 0, 2, 5, 1])[:, None]
    mask[0, 2] = False
    x[~mask], y[~mask] = 0, -1
    return x, y, mask, rng.random((5, 6))


def test_a_weight_is_a_number_of_copies():
    x, y = data(7)
    copies = np.array([2, 0, 1, 3, 1, 1, 4])
    a, b = small(optimizer=SGD(0.5)), small(optimizer=SGD(0.5))
    for _ in range(3):
        loss = a.train_on_batch(x, y, sample_weight=copies)[0]
        assert_allclose(loss, b.train_on_batch(np.repeat(x, copies, axis=0), np.repeat(y, copies))[0], rtol=1e-12)
    for name, w in a.params.items():
        assert_allclose(w, b.params[name], rtol=1e-10, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_loss_and_gradient_under_masks_and_weights(reduction):
    x, y, mask, weights = sequences()
    for given in (None, weights, weights[:, 0]):
        model = tagger(reduction)
        w = mask * (np.ones((5, 6)) if given is None else np.broadcast_to(given.reshape(5, -1), (5, 6)))
        logits = model.predict(x)
        logits -= np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        terms = -np.take_along_axis(logits, np.maximum(y, 0)[..., None], axis=-1)[..., 0]
        divisor = {"mean_valid": w.sum(), "mean_all": mask.size, "sum": 1}[reduction]
        objective = lambda model=model, given=given: model.test_on_batch(x, y, given)[0]  # noqa: E731
        assert_allclose(objective(), (w * terms).sum() / divisor, rtol=1e-12)
        before = {name: p.copy() for name, p in model.params.items()}
        expected = {name: central_difference(objective, p) for name, p in model.params.items()}
        model.train_on_batch(x, y, given)
        for name, p in model.params.items():
            assert_allclose(before[name] - p, expected[name], rtol=1e-5, atol=1e-8, err_msg=name)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_means_over_batches(reduction):
    """Those of one batch with all samples; of sums the mean over the batches."""
    x, y, mask, weights = sequences()
    model = tagger(reduction)
    whole = model.evaluate(x, y, batch_size=5, sample_weight=weights)
    for size in (1, 2, 4):
        parts = model.evaluate(x, y, batch_size=size, sample_weight=weights)
        batches = 1 if reduction != "sum" else -(-5 // size)
        assert_allclose([parts[0] * batches, parts[1]], whole, rtol=1e-12)
    right = model.predict(x).argmax(axis=-1) == y
    assert_allclose(whole[1], right[mask].mean())  # metrics count all valid steps alike


def test_perplexity_over_batches():
    x, y = data(11)
    model = small(metrics=["perplexity", nr.metrics.SparseTopKCategoricalAccuracy(2, name="top 2")])
    for values in (model.evaluate(x, y, 3), model.evaluate(x, y, 11), model.test_on_batch(x, y)):
        assert_allclose(values[1], np.exp(values[0]), rtol=1e-12)
    history = fit(model, x, y, batch_size=4, validation_split=0.3).history
    assert list(history) == ["loss", "perplexity", "top 2", "val_loss", "val_perplexity", "val_top 2"]
    assert_allclose(history["perplexity"], np.exp(history["loss"]), rtol=1e-12)


def test_fit_with_weights_in_any_order():
    """Weights stay with their samples when these are shuffled, split and cut into batches."""
    x, y = data(40)
    weights = np.random.default_rng(1).random(40)
    a, b, c = small(), small(), small()
    split = fit(a, x, y, epochs=2, sample_weight=weights, validation_split=0.25)
    given = fit(b, x[:30], y[:30], epochs=2, sample_weight=weights[:30], validation_data=(x[30:], y[30:], weights[30:]))
    assert split.history == given.history
    assert_same_weights(a, b)
    loss = a.evaluate(x[30:], y[30:], 8, sample_weight=weights[30:])[0]
    assert loss == split.history["val_loss"][-1] != a.evaluate(x[30:], y[30:], 8)[0]
    fit(c, x[:30], y[:30], epochs=2, sample_weight=0.25 * weights[:30])  # only their ratios count
    for name, w in a.params.items():
        assert_allclose(w, c.params[name], rtol=1e-9, atol=1e-12)


def test_class_weights_are_sample_weights():
    x, y = data(20)
    class_weight = {0: 3.0, 2: 0.5}
    weights = np.array([3.0, 1.0, 0.5])[y]
    one_hot, binary = np.eye(3)[y], (y > 0).astype(int)
    of_binary = np.array([3.0, 1.0])[binary]
    last = {"last": Dense(1), "loss": BinaryCrossentropy(from_logits=True)}
    for options, labels, expected in [
        ({}, y, weights),
        ({"loss": CategoricalCrossentropy(from_logits=True)}, one_hot, weights),
        (last, binary, of_binary),
        (last | {"last": Dense(1)}, binary[:, None].astype(float), of_binary),
    ]:
        a = small(**options)
        b = small(**(options | ({"last": Dense(1)} if "last" in options else {})))
        fit(a, x, labels, class_weight=class_weight)
        fit(b, x, labels, sample_weight=expected)
        assert_same_weights(a, b)
    both, product = small(), small()
    assert both.train_on_batch(x, y, np.arange(20.0), class_weight) == product.train_on_batch(
        x, y, np.arange(20) * weights
    )
    assert_same_weights(both, product)


def test_class_weights_of_steps():
    x, y, _, weights = sequences()
    a, b = tagger("mean_valid"), tagger("mean_valid")
    a.train_on_batch(x, y, weights[:, 0], {1: 5.0})
    b.train_on_batch(x, y, np.where(y == 1, 5.0, 1.0) * weights[:, :1])
    assert_same_weights(a, b)


def test_weights_of_zero_change_nothing():
    model = small(optimizer=SGD(1.0))
    before = model.get_weights()
    assert model.train_on_batch(X, Y, np.zeros(20))[0] == 0
    for a, b in zip(before, model.get_weights(), strict=True):
        assert_array_equal(a, b)


def test_float32_stays():
    model = classifier(SimpleRNN(4), device="numpy")
    model.train_on_batch(X, Y, np.linspace(0, 1, 20))
    assert all(slot.dtype == "float32" for slots in model.optimizer.slots.values() for slot in slots.values())


@pytest.mark.parametrize(
    "options, message",
    [
        ({"sample_weight": np.ones(19)}, r"fit: expected sample_weight of shape \(20,\), got \(19,\)"),
        ({"sample_weight": np.ones((20, 2))}, r"fit: expected sample_weight of shape \(20,\), got \(20, 2\)"),
        ({"sample_weight": -np.ones(20)}, "fit: expected sample_weight of finite numbers of at least 0"),
        ({"sample_weight": np.full(20, np.nan)}, "fit: expected sample_weight of finite numbers of at least 0"),
        ({"sample_weight": ["a"] * 20}, "fit: expected sample_weight of finite numbers"),
        ({"class_weight": [1.0, 2.0]}, r"fit: expected class_weight to be \{class: weight\}, got \[1.0, 2.0\]"),
        ({"class_weight": {0: -1.0}}, "fit: expected class_weight of finite numbers of at least 0"),
        ({"validation_data": (X, Y, np.ones(3))}, r"fit: validation_data: expected sample_weight of shape \(20,\)"),
    ],
)
def test_bad_weights(options, message):
    model = small()
    before = model.get_weights()
    with pytest.raises(nr.InputError, match=message):
        fit(model, X, Y, **options)
    for a, b in zip(before, model.get_weights(), strict=True):
        assert_array_equal(a, b)


def test_class_weights_need_classes():
    model = small(last=Dense(3), loss=MeanSquaredError(), metrics=[])
    with pytest.raises(nr.InputError, match=r"class_weight expects a cross-entropy as the loss, got MeanSquaredError"):
        fit(model, X, np.eye(3)[Y], class_weight={0: 1.0})
    assert LOGITS.reduction == "mean_valid"
