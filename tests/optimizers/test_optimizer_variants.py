"""Every variant of every optimiser: three steps worked out by hand, many steps against PyTorch."""

from math import cos, inf, pi, sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn import optimizers
from numbarnn.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    AMSGrad,
    CosineDecay,
    ExponentialDecay,
    Keras2MomentumRMSprop,
    Keras3RMSprop,
    Lion,
    Nadam,
    RMSprop,
    StepDecay,
    TF1Adam,
    TF1Momentum,
    TF1RMSprop,
    TimeDecay,
    TorchAdagrad,
    TorchAdam,
    TorchAdamW,
    TorchAMSGrad,
    TorchNAdam,
    TorchRMSprop,
    TorchSGD,
)
from numbarnn.optimizers.base import by_numpy

HALVES = {"beta_1": 0.5, "beta_2": 0.75, "epsilon": 1.0}  # with gradients 2, 1, -3: means 1, 1, -1, squares 1, 1, 3
RATES = 1.0, sqrt(7 / 16) / (3 / 4), sqrt(37 / 64) / (7 / 8)  # sqrt(1 - beta_2^t) / (1 - beta_1^t) then
ROOTS = sqrt(1 / 4), sqrt(7 / 16), sqrt(37 / 64)
MEANS, SQUARES = (1, 1, -1), (1, 1, 3)
U = [0.5 * (1 - 0.5 * 0.96**t) for t in range(1, 5)]
STEPS = 1 / 0.5, 1 / 0.75, -1 / 0.875  # the means over 1 - beta_1^t

# optimiser, gradients, how much each of the three steps takes off the weight
CHANGES = [
    # a = 1, 2.5, 0.25
    (TF1Momentum(0.5, 0.5), (1, 2, -1), (0.5, 1.25, 0.125)),
    (TF1Momentum(0.5, 0.5, nesterov=True), (1, 2, -1), (0.75, 1.625, -0.4375)),
    # b = 1, 0.5 + 2 * 0.75, 1 - 0.75
    (TorchSGD(0.5, 0.5, dampening=0.25), (1, 2, -1), (0.5, 1.0, 0.125)),
    (TorchSGD(0.5), (1, 2, -1), (0.5, 1.0, -0.5)),
    (TorchSGD(0.5, 0.5, nesterov=True), (1, 2, -1), (0.75, 1.625, -0.4375)),
    # a = 1, 1, 3
    (Keras3RMSprop(1.0, rho=0.75, epsilon=1.0), (2, -1, 3), (2 / sqrt(2), -1 / sqrt(2), 3 / 2)),
    (
        Keras2MomentumRMSprop(1.0, rho=0.75, epsilon=1.0, momentum=0.5),
        (2, -1, 3),
        (sqrt(2), sqrt(2) / 2 - sqrt(1 / 2), 3 / 2),
    ),
    # and b = 0.5, 0.125, 0.84375
    (
        Keras3RMSprop(1.0, rho=0.75, epsilon=1.0, centered=True),
        (2, -1, 3),
        (2 / sqrt(2 - 0.5**2), -1 / sqrt(2 - 0.125**2), 3 / sqrt(4 - 0.84375**2)),
    ),
    # a from 1: 1.75, 1.5625, 3.421875
    (
        TF1RMSprop(1.0, rho=0.75, epsilon=1.0),
        (2, -1, 3),
        (2 / sqrt(2.75), -1 / sqrt(2.5625), 3 / sqrt(4.421875)),
    ),
    (
        TF1RMSprop(1.0, rho=0.75, epsilon=1.0, momentum=0.5),
        (2, 0, 0),
        (2 / sqrt(2.75), 1 / sqrt(2.75), 0.5 / sqrt(2.75)),
    ),
    (TorchRMSprop(1.0, rho=0.75, epsilon=1.0), (2, -1, 3), (1.0, -0.5, 3 / (sqrt(3) + 1))),
    (TorchRMSprop(1.0, rho=0.75, epsilon=1.0, momentum=0.5), (2, -1, 3), (1.0, 0.0, 3 / (sqrt(3) + 1))),
    (
        TF1Adam(1.0, **HALVES),
        (2, 1, -3),
        [r * m / (sqrt(v) + 1) for r, m, v in zip(RATES, MEANS, SQUARES, strict=True)],
    ),
    (
        TorchAdam(1.0, **HALVES),
        (2, 1, -3),
        [s / (sqrt(v) / c + 1) for s, v, c in zip(STEPS, SQUARES, ROOTS, strict=True)],
    ),
    # gradients 2, 0, 0: means 1, 1/2, 1/4, squares 1, 3/4, 9/16, of which the first is the greatest
    (AMSGrad(1.0, **HALVES), (2, 0, 0), [r * m / 2 for r, m in zip(RATES, (1, 0.5, 0.25), strict=True)]),
    (
        TorchAMSGrad(1.0, **HALVES),
        (2, 0, 0),
        [m / n / (1 / c + 1) for m, n, c in zip((1, 0.5, 0.25), (0.5, 0.75, 0.875), ROOTS, strict=True)],
    ),
    # no gradient: w = 1, 3/4, 9/16
    (AdamW(0.5, weight_decay=0.5), (0, 0, 0), (1 / 4, 3 / 16, 9 / 64)),
    (TorchAdamW(0.5, weight_decay=0.5), (0, 0, 0), (1 / 4, 3 / 16, 9 / 64)),
    # a = 4, 8, 24 with those from 0
    (Adagrad(0.5, 3.0, epsilon=1.0), (2, -2, 4), (1 / sqrt(8), -1 / sqrt(12), 2 / sqrt(28))),
    (TorchAdagrad(0.5, epsilon=1.0), (2, -2, 4), (1 / 3, -1 / (sqrt(8) + 1), 2 / (sqrt(24) + 1))),
    # a = 1, 1, then 3/4; s = 2 / sqrt(2), then -d with d = 1/2 and 1/2
    (Adadelta(0.5, rho=0.75, epsilon=1.0), (2, -1, 0), (1 / sqrt(2), -0.5 * sqrt(1.5) / sqrt(2), 0)),
    # u = beta_1 (1 - 0.96^t / 2) = 0.26, 0.2696, and the means and squares of Adam
    (
        Nadam(1.0, **HALVES),
        (2, 0, 0),
        [
            (following * m / (1 - products * following) + (1 - now) * g / (1 - products)) / (v / c + 1)
            for now, following, products, m, v, c, g in zip(
                U[:3],
                U[1:],
                (U[0], U[0] * U[1], U[0] * U[1] * U[2]),
                (1, 0.5, 0.25),
                (1, sqrt(3 / 4), sqrt(9 / 16)),
                ROOTS,
                (2, 0, 0),
                strict=True,
            )
        ],
    ),
    # m = 0, 1/2, 1/4; ahead = 1, 0 and 1/8, or -15/8
    (Lion(0.5, 0.5, 0.75), (2, -0.5, 0), (0.5, 0, 0.5)),
    (Lion(0.5, 0.5, 0.75, weight_decay=0.5), (2, -0.5, -4), (0.75, 1 / 16, 3 / 64 - 1 / 2)),
]


@pytest.mark.parametrize("optimizer, gradients, changes", CHANGES, ids=lambda v: repr(v)[:60])
def test_three_steps(optimizer, gradients, changes):
    for dtype, tolerance in (("float64", 1e-14), ("float32", 1e-6)):
        optimizer.iterations, optimizer.slots = 0, {}
        w = np.ones((2, 3), dtype)
        for g, change in zip(gradients, changes, strict=True):
            before = w.copy()
            optimizer.apply({"w": w}, {"w": np.full((2, 3), g, dtype)})
            assert_allclose(before - w, change, rtol=10 * tolerance, atol=tolerance)
        assert w.dtype == dtype and all(slot.dtype == dtype for slot in optimizer.slots["w"].values())


def test_defaults():
    shown = {name: repr(make()) for name, make in optimizers.BY_NAME.items()}
    rms, adam = "learning_rate={}, rho={}, epsilon={}", "learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon={}"
    assert shown == {
        "sgd": "SGD(learning_rate=0.01, momentum=0.0)",
        "rmsprop": f"RMSprop({rms.format(0.001, 0.9, 1e-07)})",
        "adam": f"Adam({adam.format(1e-07)})",
        "amsgrad": f"AMSGrad({adam.format(1e-07)})",
        "adamw": f"AdamW({adam.format(1e-07)}, weight_decay=0.004)",
        "nadam": f"Nadam({adam.format(1e-07)}, momentum_decay=1.0)",
        "adagrad": "Adagrad(learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-07)",
        "adadelta": "Adadelta(learning_rate=0.001, rho=0.95, epsilon=1e-07)",
        "lion": "Lion(learning_rate=0.001, beta_1=0.9, beta_2=0.99, weight_decay=0.0)",
        "keras2_momentum_rmsprop": f"Keras2MomentumRMSprop({rms.format(0.001, 0.9, 1e-07)}, momentum=0.9)",
        "keras3_rmsprop": f"Keras3RMSprop({rms.format(0.001, 0.9, 1e-07)}, momentum=0.0)",
        "tf1_momentum": "TF1Momentum(learning_rate=0.01, momentum=0.9)",
        "tf1_rmsprop": f"TF1RMSprop({rms.format(0.001, 0.9, 1e-10)}, momentum=0.0)",
        "tf1_adam": f"TF1Adam({adam.format(1e-08)})",
        "torch_sgd": "TorchSGD(learning_rate=0.01, momentum=0.0, dampening=0.0)",
        "torch_rmsprop": f"TorchRMSprop({rms.format(0.01, 0.99, 1e-08)}, momentum=0.0)",
        "torch_adam": f"TorchAdam({adam.format(1e-08)})",
        "torch_amsgrad": f"TorchAMSGrad({adam.format(1e-08)})",
        "torch_adamw": f"TorchAdamW({adam.format(1e-08)}, weight_decay=0.01)",
        "torch_nadam": f"TorchNAdam({adam.format(1e-08).replace('0.001', '0.002')}, momentum_decay=0.004)",
        "torch_adagrad": "TorchAdagrad(learning_rate=0.01, initial_accumulator_value=0.0, epsilon=1e-10)",
    }


TORCH = [
    (TorchSGD, "SGD", {}, {"lr": 0.01}),
    (TorchSGD, "SGD", {"momentum": 0.9, "dampening": 0.3}, {"lr": 0.01, "momentum": 0.9, "dampening": 0.3}),
    (TorchSGD, "SGD", {"momentum": 0.9, "nesterov": True}, {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    (TorchRMSprop, "RMSprop", {}, {}),
    (TorchRMSprop, "RMSprop", *[{"centered": True, "momentum": 0.8}] * 2),
    (TorchAdam, "Adam", {}, {}),
    (TorchAdam, "Adam", {"epsilon": 0.1}, {"eps": 0.1}),
    (TorchAMSGrad, "Adam", {}, {"amsgrad": True}),
    (TorchAdamW, "AdamW", {}, {}),
    (TorchNAdam, "NAdam", {}, {}),
    (TorchNAdam, "NAdam", *[{"momentum_decay": 0.1}] * 2),
    (TorchAdagrad, "Adagrad", {}, {}),
    (TorchAdagrad, "Adagrad", {"initial_accumulator_value": 0.5}, {"initial_accumulator_value": 0.5}),
    (Adadelta, "Adadelta", {"learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-6}, {}),
    (Adadelta, "Adadelta", {"learning_rate": 0.1}, {"lr": 0.1, "rho": 0.95, "eps": 1e-7}),
]


@pytest.mark.parametrize("ours, theirs, options, torch_options", TORCH, ids=str)
def test_as_pytorch(ours, theirs, options, torch_options, request):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: nothing to compare with")
    rng = np.random.default_rng(3)
    w = rng.standard_normal((3, 4))
    theirs_w = torch.tensor(w.copy(), requires_grad=True)
    before = torch.get_default_dtype()
    request.addfinalizer(lambda: torch.set_default_dtype(before))
    torch.set_default_dtype(torch.float64)  # of numbers that PyTorch remembers beside the averages
    mine, other = ours(**options), getattr(torch.optim, theirs)([theirs_w], **torch_options)
    for step in range(30):
        if step == 20:  # forms of momentum that are equal while the rate is constant
            mine.learning_rate = other.param_groups[0]["lr"] = 0.3 * mine.learning_rate
        g = rng.standard_normal(w.shape) * 10.0 ** rng.integers(-6, 3, w.shape)
        mine.apply({"w": w}, {"w": g})
        theirs_w.grad = torch.tensor(g)
        other.step()
        assert_allclose(w, theirs_w.detach().numpy(), rtol=1e-11, atol=1e-13)


EVERY = {name: (make, {}) for name, make in optimizers.BY_NAME.items()}
EVERY |= {
    "velocity": (SGD, {"momentum": 0.9}),
    "velocity, nesterov": (SGD, {"momentum": 0.9, "nesterov": True}),
    "sum, nesterov": (TF1Momentum, {"nesterov": True}),
    "centered, inside": (Keras3RMSprop, {"centered": True, "momentum": 0.8}),
    "centered, outside": (TorchRMSprop, {"centered": True, "momentum": 0.8}),
}


def after_three_steps(make, options, dtype):
    """Weights of many and of few numbers, strided ones, with all that is remembered; gradients may be of the other
    dtype."""
    rng, optimizer = np.random.default_rng(7), make(**options)
    shapes = {"many": (301, 203), "few": (3, 1), "one": (), "none": (0, 4), "strided": (5, 9)}
    params = {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}
    params["strided"], params["one"] = params["strided"].T, np.array(0.5, dtype)
    for _ in range(3):
        gradients = {name: rng.standard_normal(w.shape) for name, w in params.items()}
        optimizer.apply(params, gradients)
    remembered = {f"{name}/{slot}": a for name, slots in optimizer.slots.items() for slot, a in slots.items()}
    return params | remembered


@pytest.mark.parametrize("make, options", EVERY.values(), ids=EVERY)
def test_kernels_do_what_numpy_does_with_the_formula(make, options, monkeypatch):
    """And the same on one thread as on more."""
    found = {dtype: after_three_steps(make, options, dtype) for dtype in ("float64", "float32")}
    monkeypatch.setattr("numbarnn.ops.optimizer_step.threads_for_each", lambda numbers: 1)
    for name, value in after_three_steps(make, options, "float32").items():
        assert_array_equal(value, found["float32"][name], err_msg=name)
    monkeypatch.setattr("numbarnn.optimizers.base.update", by_numpy)
    for dtype, tolerance in (("float64", 1e-13), ("float32", 3e-6)):
        for name, value in after_three_steps(make, options, dtype).items():
            assert value.dtype == dtype
            assert_allclose(found[dtype][name], value, rtol=tolerance, atol=tolerance, err_msg=f"{dtype} {name}")


def test_dtypes_that_kernels_do_not_know():
    for dtypes in (("float16",), ("int64",), ("float32", "float64")):
        params = {dtype: np.ones(2, dtype) for dtype in dtypes}
        with pytest.raises(nr.InputError, match=f"all float32 or all float64, got {', '.join(dtypes)}"):
            SGD().apply(params, {dtype: np.ones(2) for dtype in dtypes})
        assert all((w == 1).all() for w in params.values())


def test_forms_of_momentum_differ_when_the_rate_changes():
    """Keras' velocity holds the old rate, PyTorch's sum does not."""
    ends = {}
    for make in (SGD, TF1Momentum, TorchSGD):
        optimizer, w = make(0.5, momentum=0.5), np.zeros(1)
        for rate in (0.5, 0.5, 0.05):
            optimizer.learning_rate = rate
            optimizer.apply({"w": w}, {"w": np.ones(1)})
        ends[make] = w[0]
    assert_allclose(ends[SGD], -(0.5 + 0.75 + 0.425))
    assert_allclose([ends[TF1Momentum], ends[TorchSGD]], -(0.5 + 0.75 + 0.0875))


def test_epsilon_of_tensorflow_is_that_of_pytorch_times_a_root():
    w, other = np.zeros(2), np.zeros(2)
    g = np.array([1e-8, 3.0])
    Adam(epsilon=1e-6 * sqrt(0.001)).apply({"w": w}, {"w": g})
    TorchAdam(epsilon=1e-6).apply({"w": other}, {"w": g})
    assert_allclose(w, other, rtol=1e-12)


SCHEDULES = [
    (TimeDecay(0.1, 0.5), {0: 0.1, 1: 0.1 / 1.5, 2: 0.05, 18: 0.01}),
    (ExponentialDecay(0.1, 4, 0.25), {0: 0.1, 2: 0.05, 4: 0.025, 8: 0.00625}),
    (StepDecay(0.1, 3, 0.5), {0: 0.1, 2: 0.1, 3: 0.05, 5: 0.05, 6: 0.025}),
    (CosineDecay(0.1, 8, alpha=0.2), {0: 0.1, 4: 0.06, 8: 0.02, 99: 0.02}),
    (CosineDecay(0.1, 8, warmup_steps=4), {0: 0.0, 1: 0.025, 4: 0.1, 6: 0.05 * (1 + cos(pi / 4)), 12: 0.0}),
]


@pytest.mark.parametrize("schedule, rates", SCHEDULES, ids=str)
def test_schedules(schedule, rates):
    assert_allclose([schedule(t) for t in rates], list(rates.values()), rtol=1e-12, atol=1e-16)
    optimizer, w = SGD(schedule), np.zeros(1)
    for t in range(9):
        before = w[0]
        optimizer.apply({"w": w}, {"w": np.ones(1)})
        assert_allclose(before - w[0], schedule(t), atol=1e-15)


def test_decay_of_keras_2_and_own_functions():
    for optimizer in (SGD(lr=0.4, decay=0.25), SGD(lambda t: 0.4 / (1 + 0.25 * t))):
        w = np.zeros(1)
        for _ in range(3):
            optimizer.apply({"w": w}, {"w": np.ones(1)})
        assert_allclose(w, -(0.4 + 0.4 / 1.25 + 0.4 / 1.5))
    assert repr(Adam(decay=0.1)).startswith("Adam(learning_rate=TimeDecay(initial_learning_rate=0.001, decay=0.1), ")


def test_schedules_by_epochs_of_a_whole_fit():
    from helpers.toy import classifier, data, fit

    a, b = (classifier(optimizer=SGD(rate)) for rate in (0.1, ExponentialDecay(0.1, 5, 0.5)))
    fit(a, *data(40), shuffle=False)  # five steps
    a.optimizer.learning_rate = 0.05
    assert b.optimizer.rate() == 0.1
    fit(b, *data(40), shuffle=False)
    assert b.optimizer.rate() == 0.05 and b.optimizer.iterations == 5


def applied(optimizer, **gradients):
    """What a step with a rate of 1 takes off weights of zeros."""
    params = {name: np.zeros(np.shape(g)) for name, g in gradients.items()}
    optimizer.apply(params, {name: np.array(g, float) for name, g in gradients.items()})
    return {name: -w for name, w in params.items()}


GIVEN = {"a": [3.0], "b": [0.0, 4.0]}  # norms 3 and 4, and 5 over both
CLIPPED = [
    ("clip_global_norm", {"a": [1.5], "b": [0, 2]}, 2.5),
    ("global_clipnorm", {"a": [1.5], "b": [0, 2]}, 2.5),
    ("clip_var_norm", {"a": [3], "b": [0, 3.5]}, 3.5),
    ("clipnorm", {"a": [3], "b": [0, 3.5]}, 3.5),
    ("clip_value", {"a": [3], "b": [0, 3.2]}, 3.2),
    ("clipvalue", {"a": [3], "b": [0, 3.2]}, 3.2),
]


@pytest.mark.parametrize("name, expected, limit", CLIPPED)
def test_clipping_by_its_names(name, expected, limit):
    optimizer = SGD(1.0, **{name: limit})
    for array, values in applied(optimizer, **GIVEN).items():
        assert_allclose(values, expected[array], rtol=1e-14)
    assert getattr(optimizer, name) == limit


def test_clipped_gradients_are_copies():
    g = {"w": np.array([3.0, 4.0])}
    for option in ("clip_global_norm", "clip_var_norm", "clip_value"):
        SGD(**{option: 0.1}).apply({"w": np.zeros(2)}, g)
    assert_array_equal(g["w"], [3.0, 4.0])
    assert_array_equal(applied(SGD(1.0, clip_var_norm=1.0), a=[np.nan], b=[0.5])["b"], [0.5])


@pytest.mark.parametrize("make", optimizers.BY_NAME.values(), ids=optimizers.BY_NAME)
def test_lazy_touches_used_rows_alone(make):
    """As if each row had an optimiser of its own that sleeps while the row is not used."""
    rng = np.random.default_rng(1)
    w, start = rng.standard_normal((5, 3)), None
    start = w.copy()
    used = [[0, 2], [2, 4], [0, 2]]
    lazy, options = make(lazy=True), {}
    if make in (Adam, AdamW, AMSGrad) or issubclass(make, Adam):
        options = {"beta_1": 0.0, "beta_2": 0.0}  # no correction that counts the steps of all rows
        lazy = make(lazy=True, **options)
    gradients = []
    for rows in used:
        g = np.zeros((5, 3))
        g[rows] = rng.standard_normal((len(rows), 3))
        gradients.append(g)
        lazy.apply({"w": w, "bias": np.zeros(3)}, {"w": g, "bias": np.ones(3)})
    for row in range(5):
        alone, expected = make(**options), start[row : row + 1].copy()
        for g, rows in zip(gradients, used, strict=True):
            if row in rows:
                alone.apply({"w": expected}, {"w": g[row : row + 1]})
        assert_allclose(w[row], expected[0], rtol=1e-12, err_msg=str(row))
    assert_array_equal(w[[1, 3]], start[[1, 3]])


def test_lazy_embedding_in_a_model():
    tokens, labels = np.array([[1, 2, 1], [2, 4, 4]]), [0, 1]
    moved = {}
    for lazy in (False, True):
        layers = [nr.layers.Embedding(6, 3), nr.layers.SimpleRNN(4), nr.layers.Dense(2)]
        model = nr.Sequential(layers, device="numpy")
        model.compile(Adam(0.1, lazy=lazy), nr.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.train_on_batch(tokens, labels)
        table = model.params["embedding/embeddings"].copy()
        model.train_on_batch(tokens[:1, :1], labels[:1])
        moved[lazy] = np.any(model.params["embedding/embeddings"] != table, axis=1)
    assert_array_equal(moved[True], [0, 1, 0, 0, 0, 0])
    assert_array_equal(moved[False], [0, 1, 1, 0, 1, 0])


def test_bad_options():
    for call, message in [
        (lambda: SGD(0.1, lr=0.1), "SGD: lr is another name of learning_rate, expected one of them"),
        (lambda: SGD(clipnorm=1.0, clip_var_norm=1.0), "SGD: clipnorm is another name of clip_var_norm"),
        (lambda: SGD(clip_global_norm=1.0, clipnorm=1.0), "expected clip_global_norm or clip_var_norm, got both"),
        (lambda: RMSprop(clip_global_norm=inf), "RMSprop: expected clip_global_norm to be a finite number, got inf"),
        (lambda: TorchSGD(nesterov=True), "TorchSGD: nesterov expects a momentum and no dampening"),
        (lambda: TorchSGD(dampening=0.5), "TorchSGD: dampening expects a momentum"),
        (lambda: TF1Momentum(dampening=0.5), "TF1Momentum: .* it takes learning_rate, momentum"),
        (lambda: Keras2MomentumRMSprop(momentum=0), "Keras2MomentumRMSprop: expected momentum above 0"),
        (lambda: AdamW(weight_decay=-1), "AdamW: expected weight_decay"),
        (lambda: Adam(True), "expected learning_rate to be a number"),
        (lambda: Adam(StepDecay(0.1, 0, 0.5)), "StepDecay: expected decay_steps above 0"),
        (lambda: CosineDecay(-0.1, 5), "CosineDecay: expected initial_learning_rate to be a number of at least 0"),
        (lambda: ExponentialDecay(0.1, 5), "ExponentialDecay: missing a required argument: 'decay_rate'"),
        (lambda: Adam(TimeDecay(0.1, 0.1), decay=0.1), "TimeDecay: expected initial_learning_rate"),
    ]:
        with pytest.raises(nr.InputError, match=message):
            call()
