"""Gradients of whole models for everybody: `value_and_gradients`, `flatten`, `gradient_transform`, calls of a model."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn import layers as L

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((9, 5, 3)), RNG.standard_normal((9, 2))


def model(*more, dtype="float64", optimizer=None, **options):
    made = nr.Sequential(
        [L.Input((5, 3)), L.LSTM(4, kernel_regularizer="l2", **options), *more, L.Dense(2, bias_regularizer="l1")],
        dtype=dtype,
        seed=3,
    )
    made.compile(nr.optimizers.SGD(0.1) if optimizer is None else optimizer, "mse")
    return made


def test_gradients_are_the_derivatives_of_the_loss():
    net, weights = model(L.BatchNormalization(), L.Dropout(0.5)), RNG.uniform(0, 2, 9)
    net.set_weights([w + 0.1 * RNG.standard_normal(w.shape) ** 2 for w in net.get_weights()])
    loss, gradients = net.value_and_gradients(X, Y, sample_weight=weights)
    assert loss == net.evaluate(X, Y, batch_size=9, sample_weight=weights)
    assert gradients.keys() == net.params.keys()
    for name, w in net.params.items():
        direction, step = RNG.standard_normal(w.shape), 1e-6
        ends = []
        for sign in (1, -1):
            w += sign * step * direction
            ends.append(net.value_and_gradients(X, Y, weights)[0])
            w -= sign * step * direction
        assert_allclose((gradients[name] * direction).sum(), (ends[0] - ends[1]) / (2 * step), rtol=1e-6, err_msg=name)


def test_a_step_by_hand_is_that_of_train_on_batch():
    by_hand, by_fit = model(), model()
    _, gradients = by_hand.value_and_gradients(X, Y, training=True)
    by_hand.optimizer.apply(by_hand.trainable_params, gradients)
    by_fit.train_on_batch(X, Y)
    for name, w in by_hand.params.items():
        assert_array_equal(w, by_fit.params[name])


def test_nothing_changes():
    net = nr.Sequential([L.Input((5, 3)), L.LSTM(4, stateful=True), L.BatchNormalization(), L.Dense(2)])
    net.compile("sgd", "mse")
    net(X)
    before, state = net.get_weights(), [s.copy() for s in net.layers[0].state]
    first = net.value_and_gradients(X, Y, training=True)
    second = net.value_and_gradients(X, Y, training=True)
    assert first[0] == second[0]
    for name, g in first[1].items():
        assert_array_equal(g, second[1][name])
    for old, new in zip([*before, *state], [*net.get_weights(), *net.layers[0].state], strict=True):
        assert_array_equal(old, new)


def test_trainable_parameters_alone():
    net = model()
    net.layers[0].trainable = False
    _, gradients = net.value_and_gradients(X, Y)
    assert list(gradients) == ["dense/kernel", "dense/bias"]


def test_masks_and_sequences_of_different_lengths():
    sequences = [RNG.standard_normal((n, 3)) for n in (4, 2, 5)]
    net = nr.Sequential([L.LSTM(4), L.Dense(2)], dtype="float64")
    net.compile("sgd", "mse")
    _, together = net.value_and_gradients(sequences, Y[:3])
    alone = [net.value_and_gradients(s[None], y[None])[1] for s, y in zip(sequences, Y[:3], strict=True)]
    for name, g in together.items():
        assert_allclose(g, sum(part[name] for part in alone) / 3, rtol=1e-10, atol=1e-14, err_msg=name)


def test_encoder_decoder():
    sources, targets = RNG.integers(1, 6, (4, 3)), RNG.integers(1, 6, (4, 5))
    encoder, decoder = [L.Embedding(6, 3), L.GRU(4)], [L.Embedding(6, 3), L.GRU(4, return_sequences=True), L.Dense(6)]
    net = nr.EncoderDecoder(encoder, decoder, start=0, dtype="float64")
    net.compile("sgd", nr.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert_array_equal(net(sources, targets), net.predict(sources, targets))
    assert_array_equal(net.predict_on_batch(sources, targets), net.predict(sources, targets))
    loss, gradients = net.value_and_gradients(sources, targets)
    assert loss == net.evaluate(sources, targets)
    w = net.params["gru/recurrent_kernel"]
    direction = RNG.standard_normal(w.shape)
    w += 1e-6 * direction
    more = net.evaluate(sources, targets)
    w -= 2e-6 * direction
    slope = (more - net.evaluate(sources, targets)) / 2e-6
    assert_allclose((gradients["gru/recurrent_kernel"] * direction).sum(), slope, rtol=1e-6)


def test_calls():
    net = model(L.Dropout(0.5))
    assert_array_equal(net(X), net.predict(X))
    assert_array_equal(net.predict_on_batch(X), net.predict(X))
    assert (net(X, training=True) != net(X)).any()
    with pytest.raises(nr.InputError, match=r"sequential: expected inputs of shape \(batch, 5, 3\)"):
        net(X[:, :, :2])


def test_scipy_minimises():
    from scipy.optimize import minimize

    net = nr.Sequential([L.Input((5, 3)), L.SimpleRNN(2), L.Dense(2)], dtype="float64")
    net.compile("sgd", "mse")

    def loss(vector):
        for name, w in nr.unflatten(vector, like=net.params).items():
            net.params[name][...] = w
        value, gradients = net.value_and_gradients(X, Y)
        return value, nr.flatten(gradients)

    before = net.evaluate(X, Y)
    found = minimize(loss, nr.flatten(net.params), jac=True, method="L-BFGS-B", options={"maxiter": 40})
    assert net.evaluate(X, Y) < 0.5 * before
    assert_allclose(found.fun, loss(found.x)[0])


def test_flatten_and_back():
    params = (
        {"a": np.arange(6.0).reshape(2, 3).T, "b": np.float64([[7]])},
        {"c": np.array(8.0), "d": np.zeros((0, 2))},
    )
    vector = nr.flatten(params)
    assert_array_equal(vector, [0, 3, 1, 4, 2, 5, 7, 8])
    back = nr.unflatten(vector, like=params)
    for part, given in zip(back, params, strict=True):
        for name, array in part.items():
            assert_array_equal(array, given[name])
            assert not np.shares_memory(array, vector)
    assert nr.flatten({}).shape == (0,) and nr.unflatten(np.zeros(0), {}) == {}
    for call, message in [
        (lambda: nr.flatten([1.0]), "flatten: expected a dict of arrays, or a tuple of such, got float"),
        (
            lambda: nr.flatten({"a": [1.0]}),
            "flatten: expected a to be an array of the dtype of the first one, got list",
        ),
        (lambda: nr.flatten({"a": np.ones(2), "b": np.ones(2, "f4")}), "expected b .* got float32"),
        (
            lambda: nr.unflatten(vector[1:], params),
            r"unflatten: expected a vector of 8 numbers, got float64 of shape \(7,",
        ),
    ]:
        with pytest.raises(nr.InputError, match=message):
            call()


@pytest.mark.parametrize("truncate", [None, (2, 3)], ids=["full", "truncated"])
def test_gradient_transform(truncate):
    """It gets all gradients, before clipping, and what it returns is used."""
    options = {} if truncate is None else {"truncate": truncate}
    y = Y if truncate is None else RNG.standard_normal((9, 5, 2))
    seen = []

    def double(gradients):
        seen.append({name: g.copy() for name, g in gradients.items()})
        return {name: 2 * g for name, g in gradients.items()}

    def net(rate):
        return model(optimizer=nr.optimizers.SGD(rate), return_sequences=truncate is not None)

    doubled, plain = net(0.1), net(0.2)
    doubled.fit(X, y, epochs=2, batch_size=4, verbose=0, gradient_transform=double, **options)
    plain.fit(X, y, epochs=2, batch_size=4, verbose=0, **options)
    assert all(s.keys() == plain.params.keys() for s in seen)
    for name, w in plain.params.items():
        assert_allclose(doubled.params[name], w, rtol=1e-12)
    clipped = model(optimizer=nr.optimizers.SGD(1.0, clip_global_norm=0.5))
    before = nr.flatten(clipped.params)
    clipped.fit(X, Y, batch_size=9, verbose=0, gradient_transform=lambda g: {name: 1e6 * a for name, a in g.items()})
    assert_allclose(np.linalg.norm(nr.flatten(clipped.params) - before), 0.5, rtol=1e-9)


def test_bad_gradient_transforms():
    net = model()
    before = net.get_weights()
    for transform, message in [
        (3, "fit: expected gradient_transform to be a function, got 3"),
        (lambda g: None, "gradient_transform: expected a dict of lstm/kernel.*, got NoneType"),
        (lambda g: {"lstm/kernel": g["lstm/kernel"]}, "gradient_transform: expected a dict of .*, got lstm/kernel"),
        (lambda g: g | {"dense/bias": np.zeros(3)}, "gradient_transform: expected the gradient of dense/bias of shape"),
        (lambda g: g | {"dense/bias": np.zeros(2, "f4")}, "the gradient of dense/bias of dtype float64, got float32"),
    ]:
        with pytest.raises(nr.InputError, match=message):
            net.fit(X, Y, verbose=0, gradient_transform=transform)
    with pytest.warns(RuntimeWarning, match="not finite"):
        net.fit(X, Y, verbose=0, gradient_transform=lambda g: {name: a * np.nan for name, a in g.items()})
    for old, new in zip(before, net.get_weights(), strict=True):
        assert_array_equal(old, new)
