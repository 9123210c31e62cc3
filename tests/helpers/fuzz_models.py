"""Models with arrays of odd layouts, against contiguous copies; see `helpers.fuzz`."""

import numpy as np

import numbarnn as nr
from numbarnn import layers as L

from .fuzz_arrays import assert_same, contiguous, outcome
from .layouts import KEPT, LAYOUTS, Watched, laid_out

STEPS, FEATURES, TOKENS, CLASSES = 5, 3, 9, 4
VECTORS, SEQUENCES, WORDS = (STEPS, FEATURES), (STEPS, CLASSES), (STEPS,)

# name: (what the model reads, its layers, whether it gives scores at each step)
MODELS = {
    "rnn": (VECTORS, lambda: [L.SimpleRNN(6), L.Dense(CLASSES)], False),
    "dropout first": (VECTORS, lambda: [L.Dropout(0.3), L.GRU(5, return_sequences=True), L.Dense(CLASSES)], True),
    "masking": (VECTORS, lambda: [L.Masking(0.0), L.LSTM(5, return_sequences=True), L.Dense(CLASSES)], True),
    "words": (WORDS, lambda: [L.Embedding(TOKENS, 6, mask_zero=True), L.LSTM(5), L.Dense(CLASSES)], False),
    "both directions": (VECTORS, lambda: [L.Bidirectional(L.GRU(4)), L.Dropout(0.3), L.Dense(CLASSES)], False),
    "each step": (VECTORS, lambda: [L.TimeDistributed(L.Dense(6)), L.BatchNormalization(), L.Dense(CLASSES)], True),
    "flat": (VECTORS, lambda: [L.Flatten(), L.Dense(7, activation="tanh"), L.Dense(CLASSES)], False),
    "repeated": (
        VECTORS,
        lambda: [L.LSTM(5), L.RepeatVector(STEPS), L.LSTM(CLASSES, return_sequences=True), L.Dense(CLASSES)],
        True,
    ),
    "scores": (SEQUENCES, lambda: [L.Dropout(0.3)], True),
    "backwards": (
        VECTORS,
        lambda: [L.LSTM(5, go_backwards=True, dropout=0.2, recurrent_dropout=0.2), L.Dense(CLASSES)],
        False,
    ),
}


def make(name, dtype, device):
    reads, layers, _ = MODELS[name]
    model = nr.Sequential([L.Input(reads), *layers()], seed=1, dtype=dtype, device=device)
    loss = nr.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(nr.optimizers.SGD(0.05), loss, ["accuracy"])
    return model


def case(rng, device="cpu"):
    """Set weights, fit, evaluate and predict."""
    name, dtype = list(MODELS)[rng.integers(len(MODELS))], str(rng.choice(["float32", "float64"]))
    reads, _, at_each_step = MODELS[name]
    samples = int(rng.choice([1, 4, 7]))
    x = rng.integers(0, TOKENS, (samples, *reads)) if reads == WORDS else rng.standard_normal((samples, *reads))
    x = x if reads == WORDS else x.astype(rng.choice([dtype, dtype, "float64", "float32"]))
    if name == "masking":
        x[rng.random(x.shape[:2]) < 0.3] = 0
    shape = (samples, STEPS) if at_each_step else (samples,)
    y = rng.integers(0, CLASSES, shape).astype(rng.choice(["i8", "i4", "u1"]))
    weights = rng.random(shape if rng.random() < 0.5 else shape[:1]) if rng.random() < 0.4 else None
    model, plain = make(name, dtype, device), make(name, dtype, device)
    start = [rng.standard_normal(w.shape).astype(dtype) ** 2 for w in plain.get_weights()]  # variances are positive
    start = [laid_out(rng, 0.3 * w) for w in start]
    x = laid_out(rng, x, layouts=KEPT if reads == WORDS or name == "masking" else LAYOUTS)
    y, weights = laid_out(rng, y), None if weights is None else laid_out(rng, weights)
    if rng.random() < 0.1:
        return _refuses_a_mask(rng, model, x, y, weights)
    watched = Watched()
    watched.add((start, x, y, weights))
    options = {"batch_size": int(rng.choice([2, 8])), "epochs": 2, "shuffle": bool(rng.random() < 0.5), "verbose": 0}
    if at_each_step and name != "each step" and rng.random() < 0.4:
        options |= {"truncate": (2, 3)}
    results = []
    for each, arrays in ((model, (x, y, weights)), (plain, tuple(map(contiguous, (x, y, weights))))):
        weights_of_each = start if each is model else list(map(contiguous, start))
        results.append(outcome(_results, each, weights_of_each, *arrays, options))
    watched.assert_unchanged()
    found, expected = results
    if isinstance(expected, str) or isinstance(found, str):
        assert found == expected, f"{found!r}, of contiguous arrays {expected!r}"
        return "refused"
    for what, value in expected.items():
        assert_same(found[what], value, what, dtype)
    watched.assert_apart(found)
    return "equal"


def _results(model, start, x, y, weights, options):
    model.set_weights(start)
    history = model.fit(x, y, sample_weight=weights, **options)
    found = {f"weight {i}": w for i, w in enumerate(model.get_weights())}
    found |= {name: np.array(values) for name, values in history.history.items()}
    found["evaluated"] = np.array(model.evaluate(x, y, sample_weight=weights, batch_size=3))
    return found | {"predicted": model.predict(x, batch_size=3)}


def _refuses_a_mask(rng, model, x, y, weights):
    arguments = {"x": x, "y": y, "sample_weight": weights}
    name = str(rng.choice([n for n, value in arguments.items() if value is not None]))
    arguments[name] = np.ma.array(np.asarray(arguments[name]), mask=False)
    before = [w.copy() for w in model.get_weights()]
    found = outcome(lambda: model.fit(**arguments, verbose=0))
    assert isinstance(found, str) and "without a mask" in found, f"a masked array as {name}: {found!r}"
    assert all(map(np.array_equal, before, model.get_weights()))
    return "refused"
