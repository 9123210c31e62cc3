"""Learning rates that are no numbers of at least 0 are refused before anything changes."""

import math

import numpy as np
import pytest
from helpers.toy import classifier, data, fit

import numbarnn as nr
from numbarnn.optimizers import SGD, Adam

WRONG = [math.nan, math.inf, -math.inf, -0.1, None, "0.1", True, [0.1]]


@pytest.mark.parametrize("rate", WRONG, ids=repr)
@pytest.mark.parametrize("make", [SGD, Adam])
def test_refused_in_mid_training(make, rate):
    def schedule(step):
        return 0.1 if step < 3 else rate

    optimizer = make(schedule)
    params = {"w": np.ones(4, "float32")}
    for _ in range(3):
        optimizer.apply(params, {"w": np.ones(4, "float32")})
    before = params["w"].copy(), {name: slot.copy() for name, slot in optimizer.slots["w"].items()}
    with pytest.raises(nr.InputError, match="in step 4 a learning rate that is a number of at least 0, got"):
        optimizer.apply(params, {"w": np.ones(4, "float32")})
    assert optimizer.iterations == 3
    np.testing.assert_array_equal(params["w"], before[0])
    for name, slot in before[1].items():
        np.testing.assert_array_equal(optimizer.slots["w"][name], slot)


@pytest.mark.parametrize("rate", WRONG, ids=repr)
@pytest.mark.parametrize("truncate", [None, (2, 4)])
def test_a_training_ends_with_the_weights_before(rate, truncate):
    layers = nr.layers.SimpleRNN(4, return_sequences=True), nr.layers.Dense(3)
    x, labels = data(24)
    y = np.repeat(labels[:, None], 6, axis=1)

    def model(schedule):
        return classifier(layers[0].__class__(4, return_sequences=True), optimizer=SGD(schedule), metrics=())

    wrong, right = model(lambda step: 0.1 if step < 3 else rate), model(lambda step: 0.1 if step < 3 else 0.0)
    options = {"truncate": truncate, "shuffle": False}
    with pytest.warns(RuntimeWarning) as warned:
        history = fit(wrong, x, y, epochs=2, **options)
    fit(right, x, y, **options)
    told = [str(w.message) for w in warned]
    assert any("learning rate that is a number" in text for text in told)
    assert any("fit: stopped in epoch" in text for text in told)
    assert math.isnan(history.history["loss"][-1])
    for a, b in zip(wrong.get_weights(), right.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("call", ["fit", "evaluate"])
@pytest.mark.parametrize("size", [None, 0, 2.5, "8"])
def test_batch_sizes_are_positive_integers(call, size):
    model = classifier()
    with pytest.raises(nr.InputError, match=f"{call}: expected batch_size to be a positive integer"):
        getattr(model, call)(*data(8), batch_size=size)


def test_a_callback_that_sets_a_wrong_rate():
    class Spoil(nr.callbacks.Callback):
        def on_epoch_begin(self, epoch):
            if epoch == 1:
                self.model.optimizer.learning_rate = "fast"

    model = classifier()
    with pytest.warns(RuntimeWarning, match="got 'fast'|stopped in epoch 2"):
        history = fit(model, *data(16), epochs=3, callbacks=[Spoil()])
    assert history.epoch == [0, 1] and math.isnan(history.history["loss"][-1])
