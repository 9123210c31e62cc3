"""Truncated BPTT in `fit`: the same as of one cell with all layers in it, which test_truncated_stream proves."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn import layers as L

T, B, I, H, O = 12, 4, 3, 5, 2
RATE = 0.1
LOWER, UPPER = nr.LSTMCell(H), nr.GRUCell(H)
CELL = nr.MultiRNNCell([nr.OutputProjectionWrapper(LOWER, 4), nr.OutputProjectionWrapper(UPPER, O)])
NAMES = {"rnn": "0/cell", "dense": "0", "rnn_1": "1/cell", "dense_1": "1"}  # layer: part of the cell


def data(seed=0, rows=B):
    """x with padding, a row of it alone among them, and labels."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((rows, T, I)), rng.standard_normal((rows, T, O))
    x[1, 7:] = x[2] = x[3, 4] = 0
    return x, y


def model(optimizer=None, loss="mse", stateful=False, **of_lower):
    options = {"return_sequences": True, "stateful": stateful}
    layers = [
        L.Input((None, I)),
        L.Masking(),
        L.RNN(LOWER, **options, **of_lower),
        L.Dense(4),
        L.RNN(UPPER, **options),
        L.Dense(O),
    ]
    made = nr.Sequential(layers, seed=1, dtype="float64", device="numpy")
    made.compile(optimizer or nr.optimizers.SGD(RATE), loss)
    return made


def as_cell(params):
    """Copies of the model's parameters under the names of CELL."""
    found = {}
    for name, array in params.items():
        layer, _, rest = name.partition("/")
        rest = rest if layer.startswith("rnn") else f"projection_{rest}"
        found[f"{NAMES[layer]}/{rest}"] = array.copy()
    shapes = CELL.param_shapes(I)
    assert found.keys() == shapes.keys()
    return found


def fit(made, x, y, **options):
    return made.fit(x, y, **{"batch_size": len(x), "verbose": 0, "shuffle": False} | options)


def same(params, expected, rtol=1e-12):
    for name, p in as_cell(params).items():
        assert_allclose(p, expected[name], rtol=rtol, atol=1e-14, err_msg=name)


@pytest.mark.parametrize("activations", ["stale", "refresh"])
@pytest.mark.parametrize("scope", ["new", "window"])
@pytest.mark.parametrize("truncate", [(3, 3), (5, 5), (2, 5), (1, 4), (4, 8), (5, 7), (12, 12)])
def test_an_update_per_pass(truncate, scope, activations):
    x, y = data()
    made, options = model(), {"truncate": truncate, "loss_scope": scope, "activations": activations}
    params = as_cell(made.params)
    losses = fit(made, x, y, **options).history["loss"]
    total = weights = start = 0
    chunks = [(x, y, (x != 0).any(axis=2))]
    for step in nr.truncated_bptt(CELL, params, chunks, "mse", device="numpy", **options):
        for name, g in step.gradients.items():
            params[name] -= RATE * g
        first, start = start, start + step.outputs.shape[1]
        weight = chunks[0][2][:, (first if scope == "new" else max(0, start - truncate[1])) : start].sum()
        total, weights = total + weight * step.loss, weights + weight
    same(made.params, params)
    assert np.isclose(losses[0], total / weights, rtol=1e-12)


@pytest.mark.parametrize("activations", ["stale", "refresh"])
@pytest.mark.parametrize("loss", [nr.losses.MeanSquaredError(reduction=r) for r in ("mean_valid", "mean_all", "sum")])
def test_an_update_per_sequence_is_one_by_all_losses(loss, activations):
    x, y = data()
    full, truncated, short = (model(loss=loss) for _ in range(3))
    fit(full, x, y)
    fit(truncated, x, y, truncate=(5, T), activations=activations, update="sequence")
    same(truncated.params, as_cell(full.params))
    fit(short, x, y, truncate=(2, 3), activations=activations, update="sequence")
    before, total = as_cell(model().params), {}
    run = nr.forward(CELL, before, x, mask=(x != 0).any(axis=2), device="numpy")
    d = np.zeros_like(run.outputs)
    valid = (x != 0).any(axis=2)
    divisor = {"mean_valid": valid.sum() * O, "mean_all": B * T * O, "sum": O}[loss.reduction]
    d[valid] = 2 * (run.outputs - y)[valid] / divisor
    total = run.backward(d, truncate=(2, 3)).params
    same(short.params, {name: p - RATE * total[name] for name, p in before.items()})
    assert (
        np.abs(short.params["rnn/kernel"] - full.params["rnn/kernel"]).max()
        > 1e-4 * np.abs(total["0/cell/kernel"]).max()
    )


def test_one_pass_is_a_training_step():
    x, y = data(rows=8)
    weights = np.random.default_rng(5).random((8, T))
    plain, truncated = model(nr.optimizers.Adam()), model(nr.optimizers.Adam())
    histories = [
        fit(made, x, y, epochs=3, batch_size=3, shuffle=True, sample_weight=weights, **options).history["loss"]
        for made, options in [(plain, {}), (truncated, {"truncate": (T, T)})]
    ]
    assert_allclose(*histories, rtol=1e-14)
    for name, p in plain.params.items():
        assert_array_equal(truncated.params[name], p, err_msg=name)


def test_weights_of_samples_are_weights_of_all_their_steps():
    x, y = data()
    weights = np.array([1.0, 2.0, 3.0, 0.0])
    results = []
    for given in (weights, np.repeat(weights[:, None], T, axis=1)):
        made = model()
        fit(made, x, y, truncate=(2, 5), sample_weight=given)
        results.append(as_cell(made.params))
    same(made.params, results[0])
    made = model()
    fit(made, x[:3], y[:3], truncate=(2, 5), sample_weight=weights[:3])
    same(made.params, results[0])


@pytest.mark.parametrize("activations", ["stale", "refresh"])
def test_a_penalty_of_activities_counts_in_the_pass_of_its_step(activations):
    """Here the mean over two passes of 0.2 sum(h^2) / rows, beside the loss of a plain step."""
    x, y = data()
    plain, penalised = model(), model(activity_regularizer=nr.regularizers.L2(0.2))
    valid, layer = (x != 0).any(axis=2), model().layers[1]
    h, saved = layer.forward(x, True, mask=valid)
    d = 2 * 0.2 / B * h
    d[:, :6] *= valid[:, :6].sum() / valid.sum()
    d[:, 6:] *= valid[:, 6:].sum() / valid.sum()
    fit(plain, x, y)
    fit(penalised, x, y, truncate=(6, T), activations=activations, update="sequence")
    for name, g in layer.backward(saved, d)[1].items():
        expected = plain.params[f"rnn/{name}"] - RATE * g
        assert_allclose(penalised.params[f"rnn/{name}"], expected, rtol=1e-12, atol=1e-14)


def test_stateful_layers_go_on_from_batch_to_batch():
    x, y = data()
    long, chunks = model(), model(stateful=True)
    fit(long, x, y, truncate=(3, 3))
    parts = [np.concatenate([a[:, :6], a[:, 6:]]) for a in (x, y)]
    fit(chunks, *parts, batch_size=B, truncate=(3, 3))
    same(chunks.params, as_cell(long.params))
    state = chunks.layers[1].state
    chunks.predict(parts[0][:B], B)
    assert np.abs(chunks.layers[1].state.h - state.h).max() > 1e-3

    again = model(stateful=True)
    fit(again, *parts, batch_size=B, truncate=(3, 3), reset_every="sequence")
    assert np.abs(again.params["rnn/kernel"] - long.params["rnn/kernel"]).max() > 1e-6


def test_dropout_and_seeds():
    x, y = data()

    def run(seed):
        layers = [L.Input((None, I)), L.LSTM(H, return_sequences=True, dropout=0.5), L.Dropout(0.5), L.Dense(O)]
        made = nr.Sequential(layers, seed=seed, device="numpy")
        made.compile("adam", "mse")
        return made.fit(x, y, epochs=2, truncate=(2, 5), verbose=0).history["loss"]

    assert run(1) == run(1) != run(2)


def test_a_loss_that_is_not_finite_ends_the_training():
    x, y = data()
    made = model()
    y[0, 7] = np.inf
    with pytest.warns(RuntimeWarning, match="stopped in epoch 1"):
        history = fit(made, x, y, epochs=2, truncate=(3, 6))
    assert np.isnan(history.history["loss"]).tolist() == [True]
    assert all(np.isfinite(p).all() for p in made.params.values())


def test_a_character_model_learns():
    rng = np.random.default_rng(0)
    text = np.tile(rng.integers(0, 6, 25), 40)
    x, y, _ = nr.contiguous_batches(text, 4, 50)
    layers = [L.Input((None,)), L.Embedding(6, 8), L.LSTM(16, return_sequences=True, stateful=True), L.Dense(6)]
    made = nr.Sequential(layers, seed=0, device="numpy")
    made.compile(nr.optimizers.Adam(0.02), nr.losses.SparseCategoricalCrossentropy(from_logits=True))
    options = {"shuffle": False, "reset_every": "epoch", "verbose": 0, "truncate": (10, 20)}
    history = made.fit(x, y, 4, 12, **options).history["loss"]
    assert history[0] > 1.5 and history[-1] < 0.1


def refuse(layers, **options):
    x, y = data()
    made = nr.Sequential([L.Input((T, I)), *layers], device="numpy")
    made.compile("sgd", "mse")
    made.fit(x, y, verbose=0, **{"truncate": (2, 3)} | options)


LSTM = {"return_sequences": True}
WRONG = {
    "last output alone": (lambda: refuse([L.LSTM(O)]), "return_sequences=True in all layers.*got lstm without"),
    "both directions": (lambda: refuse([L.Bidirectional(L.LSTM(1, **LSTM))]), "step by step, got Bidirectional"),
    "backwards": (lambda: refuse([L.LSTM(O, go_backwards=True, **LSTM)]), "got LSTM with go_backwards"),
    "flat": (lambda: refuse([L.LSTM(H, **LSTM), L.Flatten(), L.Dense(O)]), "got Flatten"),
    "activations": (lambda: refuse([L.LSTM(O, **LSTM)], activations="new"), "'stale' or 'refresh', got 'new'"),
    "update": (lambda: refuse([L.LSTM(O, **LSTM)], update="step"), "'pass' or 'sequence', got 'step'"),
    "truncate": (lambda: refuse([L.LSTM(O, **LSTM)], truncate=(3, 2)), "k2 >= k1"),
    "without": (lambda: refuse([L.LSTM(O, **LSTM)], truncate=None, update="sequence"), "expected truncate="),
    "reset_every": (lambda: refuse([L.LSTM(O, **LSTM)], reset_every="batch"), "'epoch', 'never' or 'sequence'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_refused(name):
    call, message = WRONG[name]
    with pytest.raises(nr.InputError, match=message):
        call()


def test_labels_for_each_step():
    x, y = data()
    with pytest.raises(nr.InputError, match=r"labels for each step, \(4, 12\), got shape \(4, 2\)"):
        fit(model(), x, y[:, 0], truncate=(2, 3))
