"""Losses, metrics and optimisers with arrays of odd layouts, against contiguous copies; see `helpers.fuzz`."""

import numpy as np

import numbarnn as nr

from .layouts import KEPT, LAYOUTS, REFUSED, Watched, laid_out, leaves

LOSSES = (
    lambda rng: nr.losses.SparseCategoricalCrossentropy(from_logits=True),
    lambda rng: nr.losses.SparseCategoricalCrossentropy(from_logits=False),
    lambda rng: nr.losses.CategoricalCrossentropy(from_logits=bool(rng.random() < 0.6)),
    lambda rng: nr.losses.BinaryCrossentropy(from_logits=bool(rng.random() < 0.6)),
    lambda rng: nr.losses.MeanSquaredError(),
    lambda rng: nr.losses.MeanAbsoluteError(),
    lambda rng: nr.losses.Huber(0.7),
)
CLASSES, SHARES = ("SparseCategoricalCrossentropy",), ("CategoricalCrossentropy", "BinaryCrossentropy")
METRICS = {
    "labels": ("sparse_categorical_accuracy", "SparseTopKCategoricalAccuracy", "Perplexity"),
    "one-hot": ("categorical_accuracy", "TopKCategoricalAccuracy"),
    "binary": ("binary_accuracy", "keras2_binary_accuracy", "Precision", "Recall", "F1", "AUC"),
}
OPTIMIZERS = [
    getattr(nr.optimizers, name)
    for name in nr.optimizers.__all__
    if isinstance(getattr(nr.optimizers, name), type)
    and issubclass(getattr(nr.optimizers, name), nr.optimizers.Optimizer)
    and getattr(nr.optimizers, name) is not nr.optimizers.Optimizer
]


def contiguous(value):
    """A copy of an array, or of arrays in a dictionary, in plain memory."""
    if isinstance(value, dict):
        return {name: contiguous(each) for name, each in value.items()}
    return None if value is None else np.array(value, order="C", subok=False)


def assert_same(found, expected, what, dtype=None):
    """Equal within rounding, which may depend on the order of a sum, NaN included; computed in `dtype`."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.dtype == expected.dtype and found.shape == expected.shape, what
    bound = 1e-5 if np.dtype(dtype or found.dtype) == np.float32 else 1e-11
    np.testing.assert_allclose(found, expected, bound, bound, err_msg=what)


def outcome(function, *arguments):
    """What a function returns, or the sentence with which it refuses its arguments."""
    try:
        return function(*arguments)
    except nr.InputError as error:
        return str(error)


def loss_case(rng, device="cpu"):
    """A loss and its gradient, or a metric."""
    dtype, classes = str(rng.choice(["float32", "float64"])), int(rng.choice([1, 2, 3, 17]))
    shape = tuple(rng.integers(0, 6, rng.integers(1, 4)))
    if rng.random() < 0.1:  # enough for several threads
        shape = (int(rng.integers(700, 900)), *shape[1:2]) if rng.random() < 0.5 else (40, 25)
    scores = rng.standard_normal((*shape, classes)).astype(dtype)
    if rng.random() < 0.3:
        return _metric(rng, scores)
    loss = LOSSES[rng.integers(len(LOSSES))](rng)
    kind = type(loss).__name__
    if kind in CLASSES:
        y = rng.integers(0, classes, shape).astype(rng.choice(["i8", "i4", "u1"]))
    else:
        y = rng.random((*shape, classes)).astype(rng.choice(["f4", "f8"]))
    if kind in CLASSES + SHARES and not loss.from_logits:
        scores = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    weights = None
    if rng.random() < 0.4:
        weights = rng.random(shape if rng.random() < 0.5 else shape[:1]).astype(rng.choice(["f4", "f8"]))
        weights[rng.random(weights.shape) < 0.2] = 0
    arguments = [laid_out(rng, y), laid_out(rng, scores), None if weights is None else laid_out(rng, weights)]
    if rng.random() < 0.08:
        return _refuses_a_mask(rng, loss.value_and_gradient, arguments)
    watched = Watched()
    watched.add(arguments)
    value, gradient = loss.value_and_gradient(*arguments)
    expected, expected_gradient = loss.value_and_gradient(*map(contiguous, arguments))
    watched.assert_unchanged()
    watched.assert_apart({"gradient": gradient})
    assert_same(value, expected, "value", dtype)
    assert_same(gradient, expected_gradient, "gradient")
    return "equal"


def _refuses_a_mask(rng, function, arguments):
    """A masked array is refused: its mask would be lost."""
    i = rng.choice([i for i, value in enumerate(arguments) if value is not None])
    arguments[i] = np.ma.array(np.asarray(arguments[i]), mask=False)
    found = outcome(function, *arguments)
    assert isinstance(found, str) and "without a mask" in found, f"a masked array as argument {i}: {found!r}"
    return "refused"


def _metric(rng, scores):
    kind = str(rng.choice(list(METRICS)))
    *shape, classes = scores.shape
    labels = rng.integers(0, classes, shape)
    if kind == "one-hot":
        labels = np.eye(classes, dtype="f4")[labels]
    if kind == "binary":
        scores = 1 / (1 + np.exp(-scores))
        labels = rng.integers(0, 2, scores.shape)
    name = str(rng.choice(METRICS[kind]))
    metric = getattr(nr.metrics, name)
    if isinstance(metric, type):
        metric = metric(**({"from_logits": True} if name == "Perplexity" else {}))
    arguments = [laid_out(rng, labels, layouts=KEPT), laid_out(rng, scores)]
    if rng.random() < 0.08:
        return _refuses_a_mask(rng, metric, arguments)
    watched = Watched()
    watched.add(arguments)
    found, expected = outcome(metric, *arguments), outcome(metric, *map(contiguous, arguments))
    watched.assert_unchanged()
    if isinstance(expected, str):
        assert found == expected
        return "refused"
    assert_same(np.asarray(found, "f8"), np.asarray(expected, "f8"), name, "f4")
    return "equal"


def optimizer_case(rng, device="cpu"):
    """Some steps of an optimiser, whose parameters, gradients and slots have odd layouts."""
    dtype = str(rng.choice(["float32", "float64"]))
    options = [{}, {"clip_global_norm": 0.5}, {"clip_var_norm": 0.3}, {"clip_value": 0.2}, {"lazy": True}]
    options = options[rng.integers(len(options))]
    make = OPTIMIZERS[rng.integers(len(OPTIMIZERS))]
    shapes = [tuple(rng.integers(1, 8, rng.integers(1, 4))) for _ in range(rng.integers(1, 4))]
    if rng.random() < 0.05:
        shapes.append((70, 300))
    values = {f"w{i}": rng.standard_normal(shape).astype(dtype) for i, shape in enumerate(shapes)}
    layouts = LAYOUTS if rng.random() < 0.3 else LAYOUTS[:4]  # of parameters; some layouts are read-only
    params = {name: laid_out(rng, w, layouts=layouts) for name, w in values.items()}
    if rng.random() < 0.05:
        params["w0"] = REFUSED[rng.integers(len(REFUSED))](rng, values["w0"])
    ours, plains = make(0.1, **options), make(0.1, **options)
    copies = contiguous(params)
    for _ in range(3):
        gradients = {name: rng.standard_normal(w.shape).astype(dtype) for name, w in values.items()}
        if rng.random() < 0.3:
            gradients["w0"][rng.random(len(gradients["w0"])) < 0.5] = 0
        gradients = {name: laid_out(rng, d) for name, d in gradients.items()}
        for of_one in ours.slots.values():
            for slot, array in of_one.items():
                of_one[slot] = laid_out(rng, array, 0.3, (LAYOUTS[0], LAYOUTS[2], LAYOUTS[3]))
        watched, between = Watched(), Watched()
        watched.add(gradients)
        before = [(array, np.array(array)) for array in leaves((params, ours.slots))]
        between.add(params)
        refused = outcome(ours.apply, params, gradients)
        watched.assert_unchanged()
        if refused is not None:
            assert "writeable NumPy array" in refused or "float32 or all float64" in refused, refused
            between.assert_unchanged()
            assert all(np.array_equal(a, old) for a, old in before), "a refused step has changed something"
            return "refused"
        plains.apply(copies, contiguous(gradients))
    for name, w in copies.items():
        assert_same(params[name], w, name)
        for slot, array in plains.slots[name].items():
            assert_same(ours.slots[name][slot], array, f"{slot} of {name}")
        _assert_only_its_own(params[name], between)
    return "equal"


def _assert_only_its_own(array, between):
    """The numbers between those of an array are as before."""
    for root, before in between.roots.values():
        if np.shares_memory(array, root):
            now, then = (np.frombuffer(memory, np.uint8).copy() for memory in (root.tobytes(), before))
            touched = np.zeros(root.nbytes, bool)
            start = array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
            for index in np.ndindex(array.shape):
                at = start + sum(i * s for i, s in zip(index, array.strides, strict=True))
                touched[at : at + array.itemsize] = True
            if root.flags.c_contiguous:
                assert np.array_equal(now[~touched], then[~touched]), "an update has changed other memory"
