"""A constraint that raises, or gives what is no such parameter: the batch changes nothing."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn.layers import BatchNormalization, Dense, Input

X, Y = np.random.default_rng(0).standard_normal((2, 8, 3), "float32")


class Fails:
    """Does what it is told from its second call on."""

    def __init__(self, then):
        self.then, self.calls = then, 0

    def __call__(self, w):
        self.calls += 1
        return w if self.calls == 1 else self.then(w)


def raises(w):
    w *= 0
    raise RuntimeError("no")


WRONG = {
    "raises": (raises, RuntimeError, "no"),
    "exits": (lambda w: sys.exit("leave"), SystemExit, "leave"),
    "nothing": (lambda w: None, nr.InputError, r"dense/kernel: expected numbers of shape \(3, 3\), got none"),
    "one number": (lambda w: 0.0, nr.InputError, r"expected numbers of shape \(3, 3\), got float64 of shape \(\)"),
    "a row": (lambda w: w[0], nr.InputError, r"expected numbers of shape \(3, 3\), got float32 of shape \(3,\)"),
    "text": (lambda w: w.astype(str), nr.InputError, r"expected numbers of shape \(3, 3\), got <U32"),
    "nan": (lambda w: w * np.nan, nr.InputError, "dense/kernel: expected finite numbers, got NaN"),
}


def everything(model):
    optimizer = model.optimizer
    slots = [slot for of_one in optimizer.slots.values() for slot in of_one.values()]
    return [a.copy() for a in (*model.weights.values(), *slots)], optimizer.iterations


@pytest.mark.parametrize("first", [True, False], ids=["first batch", "second batch"])
@pytest.mark.parametrize("case", WRONG)
def test_nothing_has_changed(case, first):
    then, error, message = WRONG[case]
    constraint = Fails(then)
    model = nr.Sequential([Input((3,)), Dense(3, kernel_constraint=constraint), BatchNormalization()])
    model.compile(nr.optimizers.Adam(0.1), "mse")
    constraint.calls = int(first)
    if not first:
        model.train_on_batch(X, Y)
    before = everything(model)
    with pytest.raises(error, match=message):
        model.train_on_batch(X, Y)
    after = everything(model)
    assert after[1] == before[1] == int(not first)
    for got, expected in zip(after[0], before[0], strict=True):
        assert_array_equal(got, expected)
    constraint.then = lambda w: w
    model.train_on_batch(X, Y)
    again = nr.Sequential([Input((3,)), Dense(3), BatchNormalization()])
    again.compile(nr.optimizers.Adam(0.1), "mse")
    for _ in range(model.optimizer.iterations):
        again.train_on_batch(X, Y)
    for got, expected in zip(model.get_weights(), again.get_weights(), strict=True):
        assert_array_equal(got, expected)


def test_shipped_constraints_hold_after_each_update():
    model = nr.Sequential([Input((3,)), Dense(3, kernel_constraint="non_neg", bias_constraint=lambda b: b * 0)])
    model.compile(nr.optimizers.SGD(0.5), "mse")
    model.fit(X, Y, epochs=2, verbose=0)
    kernel, bias = model.get_weights()
    assert (kernel >= 0).all() and kernel.any() and not bias.any()
