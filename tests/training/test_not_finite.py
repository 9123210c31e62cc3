"""What `fit` says when a loss is not finite: where the number stands in the data, or that these are not at fault."""

import numpy as np
import pytest
from helpers.toy import classifier, data
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn import layers as L

X, Y = data(20)
SERIES = np.random.default_rng(0).standard_normal((20, 6, 2))


def series(*layers, **options):
    model = nr.Sequential([L.Input((None, 2)), *layers, L.GRU(3, return_sequences=True), L.Dense(2)], **options)
    model.compile("adam", "mse")
    return model


def spoilt(array, place, value=np.nan):
    array = array.copy()
    array[place] = value
    return array


def stops(message, model, *arrays, **options):
    """The warning of a `fit` that leaves the weights alone from the batch on that is not finite."""
    with pytest.warns(RuntimeWarning, match=message) as caught:
        model.fit(*arrays, **{"verbose": 0, "batch_size": 8} | options)
    assert len(caught) == 1


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("place", [(0, 0, 0), (13, 4, 1), (19, 5, 0)])
def test_in_the_inputs(place, shuffle):
    row, step, feature = place
    message = rf"is not finite: x\[{row}, {step}, {feature}\] \(row, step, feature\) is nan, read as float32$"
    stops(message, classifier(), spoilt(X, place), Y, shuffle=shuffle)


def test_the_first_of_several():
    model, x = classifier(), spoilt(spoilt(X, (18, 1, 1)), (17, 2, 0), np.inf)
    stops(r"x\[17, 2, 0\] .* is inf, read as float32", model, x, Y, shuffle=False)


def test_what_float32_cannot_hold():
    with np.errstate(over="ignore"):
        stops(r"x\[3, 1, 0\] .* is inf, read as float32", series(), spoilt(SERIES, (3, 1, 0), 1e300), SERIES)


def test_in_the_labels():
    stops(r"y\[12, 4, 1\] \(row, step, feature\) is nan", series(), SERIES, spoilt(SERIES, (12, 4, 1)))
    model = nr.Sequential([L.Input((None, 2)), L.GRU(3), L.Dense(1)])
    model.compile("adam", "mse")
    stops(r"y\[5, 0\] \(row, feature\) is -inf", model, SERIES, spoilt(SERIES[:, 0, :1], 5, -np.inf))


def test_in_sequences_of_different_lengths():
    """What stands in the padding, of inputs and of labels, is not at fault."""
    lengths = np.arange(20) % 5 + 1
    x, y = (spoilt(SERIES, np.arange(6) >= lengths[:, None]) for _ in range(2))
    rows = nr.Padded(x, lengths)
    series().fit(rows, y, verbose=0)
    stops(r"x\[7, 2, 1\] ", series(), nr.Padded(spoilt(x, (7, 2, 1)), lengths), y)
    stops(r"y\[7, 2, 1\] ", series(), rows, spoilt(y, (7, 2, 1)))
    masked = spoilt(SERIES, (slice(None), slice(4, None)), 0.0)
    stops(r"y\[7, 2, 1\] ", series(L.Masking()), masked, spoilt(spoilt(SERIES, (0, 5, 0)), (7, 2, 1)), shuffle=False)


def test_in_an_encoder_decoder():
    def model():
        encoder, decoder = [L.Input((None, 2)), L.GRU(3)], [L.GRU(3, return_sequences=True), L.Dense(2)]
        model = nr.EncoderDecoder(encoder, decoder, start=np.zeros(2))
        model.compile("adam", "mse")
        return model

    stops(r"x\[7, 2, 1\] ", model(), spoilt(SERIES, (7, 2, 1)), SERIES)
    stops(r"y\[7, 2, 1\] ", model(), SERIES, spoilt(SERIES, (7, 2, 1)))


def test_in_the_training_part_and_in_truncated_training():
    stops(r"x\[7, 2, 1\] ", series(), spoilt(SERIES, (7, 2, 1)), SERIES, validation_split=0.25)
    stops(r"x\[7, 2, 1\] ", series(), spoilt(SERIES, (7, 2, 1)), SERIES, truncate=(2, 4))


def test_in_the_weights():
    model = series()
    model.params["dense/bias"][1] = np.nan
    stops("is not finite: the data of this batch are finite, but not the weight dense/bias$", model, SERIES, SERIES)


def test_in_the_pass():
    model = series()
    model.params["dense/kernel"][:] = 1e30
    before = model.get_weights()
    stops("the data of this batch and all weights are finite, so a number grew too large", model, SERIES, SERIES)
    for found, expected in zip(model.get_weights(), before, strict=True):
        assert_array_equal(found, expected)


def test_stateful_layers_remember_nothing_of_the_search():
    model, other = (
        nr.Sequential([L.Input((6, 2)), L.GRU(3, return_sequences=True, stateful=True), L.Dense(2)]) for _ in range(2)
    )
    model.compile("adam", "mse")
    stops(r"y\[1, 0, 0\] ", model, SERIES, spoilt(SERIES, (1, 0, 0)), batch_size=20, shuffle=False)
    other.predict(SERIES, 20)
    assert_array_equal(model.layers[0].state[0], other.layers[0].state[0])


def test_the_learning_rate():
    model = classifier(optimizer=nr.optimizers.SGD(lambda step: -1.0))
    with pytest.warns(RuntimeWarning, match="SGD: expected in step 1 a learning rate") as caught:
        model.fit(X, Y, verbose=0)
    assert "is not finite: SGD: expected in step 1 a learning rate" in str(caught[-1].message)
