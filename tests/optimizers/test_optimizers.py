from math import sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn.optimizers import SGD, Adam, RMSprop

# Gradients and the weight after each step, from 1, worked out by hand.
TRAJECTORIES = [
    (SGD(0.5), (1, 2, -1), (0.5, -0.5, 0.0)),
    (SGD(0.5, momentum=0.5), (1, 2, -1), (0.5, -0.75, -0.875)),
    (SGD(0.5, momentum=0.5, nesterov=True), (1, 2, -1), (0.25, -1.375, -0.9375)),
    # squares 1, 1, 3; epsilon stands outside the root (inside: 1 - 2 / sqrt(2) at first)
    (RMSprop(1.0, rho=0.75, epsilon=1.0), (2, -1, 3), (0.0, 0.5, 0.5 - 3 / (sqrt(3) + 1))),
    # means 1, 1, -1; squares 1, 1, 3; rates 1, sqrt(7/16) / (3/4), sqrt(37/64) / (7/8)
    (
        Adam(1.0, beta_1=0.5, beta_2=0.75, epsilon=1.0),
        (2, 1, -3),
        (0.5, 0.5 - sqrt(7) / 6, 0.5 - sqrt(7) / 6 + sqrt(37) / 7 / (sqrt(3) + 1)),
    ),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer, gradients, weights", TRAJECTORIES, ids=lambda v: repr(v)[:40])
def test_three_steps(optimizer, gradients, weights, dtype):
    optimizer.iterations, optimizer.slots = 0, {}
    w, other = np.ones((2, 3), dtype), np.zeros(4, dtype)
    params = {"a": w, "b": other}
    for step, (g, expected) in enumerate(zip(gradients, weights, strict=True), 1):
        g = {"b": np.zeros(4, dtype), "a": np.full((2, 3), g, dtype)}
        before = {name: value.copy() for name, value in g.items()}
        optimizer.apply(params, g)
        assert_allclose(
            w, expected, rtol=1e-14 if dtype == "float64" else 1e-6, atol=1e-7 if dtype == "float32" else 1e-15
        )
        assert optimizer.iterations == step and params["a"] is w and w.dtype == dtype
        for name, value in before.items():
            assert_array_equal(g[name], value)
    assert not other.any()
    assert all(slot.dtype == dtype for slots in optimizer.slots.values() for slot in slots.values())


def test_default_options_are_those_of_keras():
    assert repr(SGD()) == "SGD(learning_rate=0.01, momentum=0.0)"
    assert repr(RMSprop()) == "RMSprop(learning_rate=0.001, rho=0.9, epsilon=1e-07)"
    assert repr(Adam()) == "Adam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07)"


def test_first_step_of_adam_and_rmsprop():
    """Whatever the size of the gradient: about the rate, and the rate over sqrt(1 - rho)."""
    for optimizer, expected in ((Adam(0.01), 0.01), (RMSprop(lr=0.01), 0.01 / sqrt(0.1))):
        w = np.zeros(3)
        optimizer.apply({"w": w}, {"w": np.array([50.0, -0.3, 0.0])})
        assert_allclose(w, [-expected, expected, 0], rtol=2e-5)


def test_state_is_in_the_slots():
    """A fresh optimiser that is given the slots goes on with the same bits."""
    rng = np.random.default_rng(0)
    w, gradients = rng.standard_normal((3, 2)), rng.standard_normal((4, 3, 2))
    one, straight = Adam(), w.copy()
    for g in gradients:
        one.apply({"w": straight}, {"w": g})
    first, second, resumed = Adam(), Adam(), w.copy()
    for g in gradients[:2]:
        first.apply({"w": resumed}, {"w": g})
    second.iterations, second.slots = first.iterations, first.slots
    for g in gradients[2:]:
        second.apply({"w": resumed}, {"w": g})
    assert_array_equal(resumed, straight)
    assert set(one.slots["w"]) == {"mean", "square"}


def steps(optimizer, **gradients):
    """What the optimiser makes of gradients: minus the change of weights of zeros."""
    params = {name: np.zeros(len(g)) for name, g in gradients.items()}
    optimizer.apply(params, {name: np.array(g, float) for name, g in gradients.items()})
    return {name: -w for name, w in params.items()}


def test_clipping_by_global_norm():
    given = {"a": [3.0], "b": [0.0, 4.0]}  # norm 5 over both
    clipped = steps(SGD(1.0, clip_global_norm=1.0), **given)
    assert_allclose(np.concatenate([clipped["a"], clipped["b"]]), [0.6, 0.0, 0.8], rtol=1e-15)
    unchanged = steps(SGD(1.0, clip_global_norm=5.0), **given)
    assert_array_equal(unchanged["b"], [0.0, 4.0])


def test_clipping_by_value_comes_after_the_norm():
    assert_array_equal(steps(SGD(1.0, clip_value=0.5), a=[3.0, -0.2, -7.0])["a"], [0.5, -0.2, -0.5])
    both = steps(SGD(1.0, clip_global_norm=1.0, clip_value=0.7), a=[3.0, 4.0])["a"]
    assert_allclose(both, [0.6, 0.7], rtol=1e-15)


def test_nan_gradients_show():
    assert_array_equal(steps(SGD(1.0, clip_global_norm=1.0), a=[np.nan], b=[1.0])["b"], [np.nan])
    assert_array_equal(steps(SGD(1.0, clip_value=1.0), a=[np.nan, 5.0])["a"], [np.nan, 1.0])
    assert np.isnan(steps(Adam(), a=[np.nan])["a"]).all()


def test_names_and_options():
    assert isinstance(nr.optimizers.get("RMSprop"), RMSprop)
    adam = Adam(lr=0.1)
    assert nr.optimizers.get(adam) is adam and adam.learning_rate == 0.1
    for call, message in [
        (lambda: nr.optimizers.get("adamax"), "optimizer: expected an Optimizer or one of sgd, rmsprop, adam, amsgrad"),
        (lambda: Adam(0.1, lr=0.1), "lr is another name of learning_rate"),
        (lambda: Adam(clip_norm=1.0), "it takes learning_rate, beta_1"),
        (lambda: Adam("fast"), "expected learning_rate to be a number"),
        (lambda: Adam(-0.1), r"expected learning_rate to be a number in \[0.0, inf\), got -0.1"),
        (lambda: Adam(np.nan), "learning_rate"),
        (lambda: Adam(beta_2=1.0), "beta_2"),
        (lambda: SGD(momentum=1.5), "momentum"),
        (lambda: SGD(clip_value=0), "expected clip_value above 0"),
    ]:
        with pytest.raises(nr.InputError, match=message):
            call()


def test_gradients_must_fit():
    w = {"w": np.zeros((2, 3))}
    with pytest.raises(nr.InputError, match=r"expected a gradient of w, floats of shape \(2, 3\), got none"):
        SGD().apply(w, {})
    with pytest.raises(nr.InputError, match=r"got float64 of shape \(3,\)"):
        SGD().apply(w, {"w": np.zeros(3)})
    adam = Adam()
    adam.apply(w, {"w": np.ones((2, 3))})
    with pytest.raises(nr.InputError, match="its slots of w belong to another model"):
        adam.apply({"w": np.zeros(2)}, {"w": np.ones(2)})
