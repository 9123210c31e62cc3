"""Batch normalisation: its gradient against autograd, its moving averages against NumPy, and its way through models."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from helpers.toy import assert_same_weights, classifier, data, fit
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn import Sequential
from numbarnn.layers import GRU, LSTM, BatchNormalization, Dense, Dropout, Embedding, Input, Masking, TimeDistributed
from numbarnn.optimizers import SGD, Adam
from numbarnn.regularizers import L2

B, T, F = 5, 7, 3
MASK = np.random.default_rng(8).random((B, T)) < 0.6
MASK[1] = False
MOVING = "moving_mean", "moving_variance"


def make(shape=(B, T, F), dtype="float64", seed=1, **options):
    """A layer with random weights."""
    layer = BatchNormalization(**options)
    layer.build((None, *shape[1:]), dtype=dtype)
    rng = np.random.default_rng(seed)
    for array in layer.weights.values():
        array[...] = rng.uniform(0.5, 2, array.shape)
    return layer


def draw(*shape, seed=0):
    """Numbers whose features differ in mean and in spread."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) * np.linspace(0.5, 2, shape[-1]) + np.linspace(-3, 2, shape[-1])


def reference(weights, x, epsilon, mask=None, training=True):
    """The definition, feature by feature; the mask picks the values that make mean and variance."""
    outputs = []
    for k in range(x.shape[-1]):
        mean, variance = weights["moving_mean"][k], weights["moving_variance"][k]
        if training:
            values = x[..., k].ravel() if mask is None else x[..., k][mask]
            mean = anp.sum(values) / len(values)
            variance = anp.sum((values - mean) ** 2) / len(values)
        y = (x[..., k] - mean) / anp.sqrt(variance + epsilon)
        outputs.append(y * weights["gamma"][k] + weights["beta"][k])
    return anp.stack(outputs, axis=-1)


CASES = {
    "rows": ((11, F), None, True),
    "one row": ((1, F), None, True),
    "steps": ((B, T, F), None, True),
    "more axes": ((2, 3, 4, 5), None, True),
    "mask": ((B, T, F), MASK, True),
    "one valid step": ((B, T, F), np.arange(B * T).reshape(B, T) == 9, True),
    "mask of rows": ((B, F), np.array([1, 0, 0, 1, 1], bool), True),
    "inference": ((B, T, F), None, False),
    "inference with a mask": ((B, T, F), MASK, False),
}


@pytest.mark.parametrize("dtype, bound", [("float64", 1e-13), ("float32", 5e-6)])
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}, {"epsilon": 0.1}], ids=str)
@pytest.mark.parametrize("case", CASES)
def test_output_and_gradients_against_autograd(case, options, dtype, bound):
    shape, mask, training = CASES[case]
    layer, x, d = make(shape, dtype, **options), draw(*shape), draw(*shape, seed=4)
    weights = {"gamma": np.ones(shape[-1]), "beta": np.zeros(shape[-1])} | {
        k: w * 1.0 for k, w in layer.weights.items()
    }

    def objective(weights, x):
        return anp.sum(d * reference(weights, x, layer.epsilon, mask, training))

    output, saved = layer.forward(x.astype(dtype), training, None, mask)
    d_x, grads = layer.backward(saved, d.astype(dtype))
    of_weights, of_x = grad(objective, 0)(weights, x), grad(objective, 1)(weights, x)
    expected = {"output": reference(weights, x, layer.epsilon, mask, training), "x": of_x}
    expected |= {name: of_weights[name] for name in layer.params}
    assert list(grads) == [name for name, used in (("gamma", "scale"), ("beta", "center")) if options.get(used, True)]
    for name, got in ({"output": output, "x": d_x} | grads).items():
        assert got.dtype == dtype and got.shape == expected[name].shape
        scale = np.abs(expected[name]).max() + np.abs(d).max()
        assert_allclose(got, expected[name], rtol=0, atol=bound * scale, err_msg=name)


def test_masked_steps_count_for_nothing():
    """Where nothing follows from them, what stands in them changes no gradient and no average."""
    layer, x, d = make(), draw(B, T, F), draw(B, T, F, seed=4) * MASK[..., None]
    results = []
    for padding in (0.0, 1e6):
        padded = np.where(MASK[..., None], x, padding)
        output, saved = layer.forward(padded, True, None, MASK)
        d_x, grads = layer.backward(saved, d)
        assert not d_x[~MASK].any()
        results.append([output[MASK], d_x, *grads.values(), *layer.updates(saved).values()])
    for a, b in zip(*results, strict=True):
        assert_array_equal(a, b)
    alone, saved = layer.forward(x[MASK], True)
    assert_array_equal(alone, results[0][0])
    for name, array in layer.backward(saved, d[MASK])[1].items():
        assert_allclose(array, grads[name], rtol=1e-12)


@pytest.mark.parametrize("shape, mask", [((B, T, F), np.zeros((B, T), bool)), ((0, T, F), None), ((B, 0, F), None)])
def test_nothing_valid(shape, mask):
    """As outside training, and no average moves."""
    layer, x = make(), draw(*shape)
    output, saved = layer.forward(x, True, None, mask)
    assert_array_equal(output, layer(x)) and np.isfinite(output).all()
    assert layer.updates(saved) == {}
    d_x, _ = layer.backward(saved, np.ones_like(x))
    w = layer.weights
    assert_array_equal(d_x, np.broadcast_to(w["gamma"] / np.sqrt(w["moving_variance"] + 1e-3), shape))


def test_a_pass_leaves_the_layer_as_it_is():
    layer, x = make(), draw(B, T, F)
    before = {name: w.copy() for name, w in layer.weights.items()}
    _, saved = layer.forward(x, True)
    assert list(layer.updates(saved)) == list(MOVING) and layer.updates(layer.forward(x)[1]) == {}
    for name, w in before.items():
        assert_array_equal(layer.weights[name], w)


def test_large_means_leave_the_variance_whole():
    x = (draw(4000, F) + 1000).astype("float32")
    layer = make((None, F), "float32", momentum=0)
    moved = layer.updates(layer.forward(x, True)[1])
    assert_allclose(moved["moving_variance"], x.var(axis=0, dtype="float64"), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_moving_averages_over_batches(dtype):
    """Four batches an epoch, the last one short, with padding; validation and prediction change nothing."""
    x = draw(29, 6, 2)
    x[np.random.default_rng(5).random((29, 6)) < 0.3] = 0
    x[8:16] = 0  # a batch without a valid step
    x = x.astype(dtype)
    model = Sequential([Input((6, 2)), Masking(), BatchNormalization(momentum=0.8), GRU(3), Dense(1)], dtype=dtype)
    model.compile(SGD(0.1), "mse")
    y = np.zeros((29, 1), dtype)
    fit(model, x, y, epochs=2, shuffle=False, validation_data=(x * 9, y))
    model.predict(x)
    mean, variance = np.zeros(2), np.ones(2)
    for rows in [slice(0, 8), slice(16, 24), slice(24, 29)] * 2:
        valid = x[rows].astype("float64")
        valid = valid[valid.any(axis=-1)]
        mean, variance = 0.8 * mean + 0.2 * valid.mean(axis=0), 0.8 * variance + 0.2 * valid.var(axis=0)
    bound = 1e-12 if dtype == "float64" else 1e-6
    assert_allclose(model.weights["batch_normalization/moving_mean"], mean, rtol=bound)
    assert_allclose(model.weights["batch_normalization/moving_variance"], variance, rtol=bound)
    assert all(w.dtype == dtype for w in model.get_weights())


def test_training_and_inference():
    x, y = data(24)
    model = classifier(BatchNormalization(momentum=0.5), GRU(3), optimizer=SGD(0.0))
    batch = (x - x.mean(axis=(0, 1))) / np.sqrt(x.var(axis=(0, 1)) + 1e-3)
    rest = Sequential([Input((6, 2)), GRU(3), Dense(3)])
    rest.set_weights(model.get_weights()[4:])
    rest.compile("sgd", model.loss, ["accuracy"])
    assert_allclose(model.train_on_batch(x, y), rest.test_on_batch(batch, y), rtol=1e-5)
    mean, variance = 0.5 * x.mean(axis=(0, 1)), 0.5 + 0.5 * x.var(axis=(0, 1))
    now = (x - mean) / np.sqrt(variance + 1e-3)
    assert_allclose(model.predict(x), rest.predict(now), rtol=1e-4, atol=1e-6)
    assert_allclose(model.evaluate(x, y, 24), rest.evaluate(now, y, 24), rtol=1e-5)
    # a row does not depend on the others; BLAS rounds Dense's product of one row otherwise
    assert_allclose(model.predict(x[:1]), model.predict(x)[:1], rtol=3e-7)


def stack(seed=3, **options):
    layers = [BatchNormalization(), LSTM(4, return_sequences=True, **options), BatchNormalization(scale=False)]
    layers += [Dropout(0.1), GRU(3), Dense(5), BatchNormalization(beta_regularizer="l2")]
    return classifier(*layers, optimizer=Adam(0.01), seed=seed)


def test_a_model_learns():
    layers = [BatchNormalization(), LSTM(8, return_sequences=True), BatchNormalization(), GRU(8)]
    model = classifier(*layers, Dense(8), BatchNormalization(), optimizer=Adam(0.02))
    history = fit(model, *data(200), epochs=15, batch_size=20, validation_data=data(100, seed=1))
    assert history.history["accuracy"][-1] > 0.8


def test_gradients_of_a_model():
    """An update with a rate of 1 takes the whole gradient off the weights, penalties included."""
    layers = [BatchNormalization(gamma_regularizer=L2(0.2)), LSTM(3, return_sequences=True)]
    layers += [BatchNormalization(activity_regularizer=L2(0.1)), Dense(2), BatchNormalization(center=False)]
    model = Sequential([Embedding(7, 3, mask_zero=True), *layers, Dense(4)], dtype="float64", device="numpy")
    model.compile(SGD(1.0), nr.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.build((None, None))
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 7, (4, 5)), rng.integers(0, 4, (4, 5))
    start = [w + 0.3 * rng.random(w.shape) for w in model.get_weights()]

    def loss():
        return model._measure(y, model._forward(x, training=True)).values[0]

    for name, w in model.params.items():
        model.set_weights(start)
        index, numeric = np.unravel_index(w.size // 2, w.shape), []
        for step in (1e-6, -1e-6):
            w[index] += step
            numeric.append(loss())
            w[index] -= step
        before = w[index]
        model.train_on_batch(x, y)
        difference = (numeric[0] - numeric[1]) / 2e-6
        assert_allclose(before - w[index], difference, rtol=1e-6, atol=1e-8, err_msg=name)


def test_constraints_hold_and_averages_are_not_trained():
    layer = BatchNormalization(gamma_constraint="non_neg", beta_constraint=lambda w: np.clip(w, -0.01, 0.01))
    model = classifier(layer, GRU(3), optimizer=SGD(5.0))
    fit(model, *data(24))
    assert layer.params["gamma"].min() >= 0 and np.abs(layer.params["beta"]).max() == np.float32(0.01)
    assert list(layer.weights) == ["gamma", "beta", *MOVING]
    assert not any("moving" in name for name in model.params)
    assert list(model.weights)[:4] == [f"batch_normalization/{name}" for name in layer.weights]


def test_initialisers():
    options = {"beta_initializer": "ones", "gamma_initializer": nr.initializers.constant(3.0)}
    layer = BatchNormalization(moving_mean_initializer="ones", moving_variance_initializer="zeros", **options)
    layer.build((None, F))
    for name, value in {"gamma": 3, "beta": 1, "moving_mean": 1, "moving_variance": 0}.items():
        assert_array_equal(layer.weights[name], np.full(F, value, "float32"))


def test_weights_in_files(tmp_path):
    model, other = stack(), stack(seed=9)
    x, y = data(24)
    fit(model, x, y)
    model.save_weights(tmp_path / "weights")
    other.load_weights(tmp_path / "weights")
    assert_array_equal(other.predict(x), model.predict(x))
    kept = model.weights["batch_normalization/moving_mean"].copy()
    assert kept.any()
    other.set_weights([0 * w for w in model.get_weights()])
    other.set_weights(model.get_weights())
    assert_array_equal(other.weights["batch_normalization/moving_mean"], kept)
    with pytest.raises(nr.InputError, match=r"expected batch_normalization/beta missing, got \(\(2,\), 'float32'\)"):
        classifier(BatchNormalization(center=False), GRU(3)).load_weights(tmp_path / "weights")


@pytest.mark.parametrize("options", [{}, {"stateful": True}], ids=str)
def test_resumed_training_has_the_same_bits(options, tmp_path):
    straight, broken, resumed = stack(**options), stack(**options), stack(seed=8, **options)
    how = {"shuffle": not options}
    fit(straight, *data(32), epochs=4, **how)
    fit(broken, *data(32), epochs=2, **how)
    broken.save_training(tmp_path / "half", 2)
    fit(resumed, *data(32), epochs=4, initial_epoch=resumed.load_training(tmp_path / "half"), **how)
    assert_same_weights(straight, resumed)


def test_the_best_epoch_comes_back_with_its_averages():
    model = classifier(BatchNormalization(momentum=0.5), GRU(3))
    stopping = nr.callbacks.EarlyStopping("loss", mode="max", patience=2, restore_best_weights=True)
    expected = classifier(BatchNormalization(momentum=0.5), GRU(3))
    fit(model, *data(24), epochs=3, callbacks=[stopping])
    fit(expected, *data(24), epochs=stopping.best_epoch + 1)
    assert stopping.best_epoch < 2
    assert_same_weights(model, expected)


def test_what_is_not_finite_changes_nothing():
    """NaN in x makes the loss NaN; large x leaves it finite, but not its own variance."""
    for value in (np.nan, 1e20):
        model = classifier(BatchNormalization(), GRU(3))
        before = model.get_weights()
        x, y = data(8)
        x[2, 3, 1] = value
        with pytest.warns(RuntimeWarning, match="the loss, a gradient or a moving average is not finite"):
            fit(model, x, y)
        for a, b in zip(before, model.get_weights(), strict=True):
            assert_array_equal(a, b)


def test_summary():
    model, printed = stack(), []
    model.summary(printed.append)
    lines = printed[0].splitlines()
    assert lines[4].split() == ["batch_normalization", "(BatchNormalization)", "(None,", "6,", "2)", "8"]
    assert lines[6].split()[-1] == "12" and lines[10].split()[-1] == "20"
    trained = sum(w.size for w in model.params.values())
    assert lines[-3:] == [
        f"Total params: {trained + 4 + 8 + 10}",
        f"Trainable params: {trained}",
        "Non-trainable params: 22",
    ]


def test_encoder_and_decoder():
    """Both sides move their averages, the decoder's over the valid steps of targets alone."""
    model = nr.EncoderDecoder(
        [Input((None, 2)), BatchNormalization(momentum=0), GRU(3)],
        [BatchNormalization(momentum=0), GRU(3, return_sequences=True), Dense(2)],
        start=[5.0, 5.0],
        dtype="float64",
    )
    model.compile("sgd", "mse")
    x, y = [draw(4, 2), draw(2, 2, seed=1)], [draw(3, 2, seed=2), draw(1, 2, seed=3)]
    model.train_on_batch(x, y)
    read, given = np.concatenate(x), np.concatenate([[[5.0, 5.0]] * 2, y[0][:2]])
    for layer, values in zip((model.layers[0], model.layers[2]), (read, given), strict=True):
        assert_allclose(layer.weights["moving_mean"], values.mean(axis=0), rtol=1e-12)
        assert_allclose(layer.weights["moving_variance"], values.var(axis=0), rtol=1e-12)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: BatchNormalization(axis=1), "BatchNormalization: .*'axis'; it takes .*momentum, epsilon"),
        (lambda: BatchNormalization(momentum=1.5), r"batch_normalization: expected momentum .* in \[0, 1\], got 1.5"),
        (lambda: BatchNormalization(momentum=True), "expected momentum to be a finite number, got True"),
        (lambda: BatchNormalization(epsilon=0), "expected epsilon to be a number above 0, got 0"),
        (lambda: BatchNormalization(epsilon="small"), "expected epsilon to be a finite number, got 'small'"),
        (lambda: BatchNormalization(gamma_initializer="one"), "initializer: expected a callable or one of"),
        (lambda: BatchNormalization(beta_regularizer="l3"), "regularizer: expected a Regularizer or one of"),
        (lambda: make((B, None)), r"expected inputs of shape \(batch, ..., features\), got \(None, None\)"),
        (lambda: make()(draw(B, T, 4)), r"expected float64 inputs \(batch, ..., 3\), got float64 of shape \(5, 7, 4\)"),
        (lambda: make().forward(draw(B, F).astype("float32")), "expected float64 inputs .*, got float32"),
        (lambda: make()(draw(B, T, F), mask=MASK[:, 1:]), r"expected mask of shape \(5, 7\), got \(5, 6\)"),
        (lambda: make()(draw(B, T, F), mask=MASK * 1.0), "expected mask of dtype bool, got float64"),
        (lambda: TimeDistributed(BatchNormalization()), "expected a layer other than BatchNormalization"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(nr.InputError, match=message):
        call()


def test_truncated_training_is_refused():
    model = Sequential([Input((6, 2)), BatchNormalization(), GRU(3, return_sequences=True)])
    model.compile("sgd", "mse")
    message = "fit with truncate: expected layers that train step by step, got batch_normalization, whose mean"
    with pytest.raises(nr.InputError, match=message):
        model.fit(data(4)[0], np.zeros((4, 6, 3)), truncate=(2, 3))
