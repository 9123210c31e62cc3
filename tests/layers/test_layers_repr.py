"""What a layer says of itself: the call that makes it, and shapes once it is built."""

from inspect import signature

import pytest

import numbarnn as nr
from numbarnn import layers
from numbarnn.utils.docs import entries, sections

SHOWN = {
    "LSTM(4)": lambda: layers.LSTM(4),
    "LSTM(4, activation='relu', return_sequences=True)": lambda: layers.LSTM(4, "relu", return_sequences=True),
    "Dense(3)": lambda: layers.Dense(3),
    "Dense(3, activation='softmax', name='scores')": lambda: layers.Dense(3, "softmax", name="scores"),
    "Dense(3, activity_regularizer=L2(l2=0.01))": lambda: layers.Dense(3, activity_regularizer="l2"),
    "Input((None, 3))": lambda: layers.Input((None, 3)),
    "BatchNormalization(momentum=0.9)": lambda: layers.BatchNormalization(momentum=0.9),
    "TimeDistributed(Dense(2))": lambda: layers.TimeDistributed(layers.Dense(2)),
    "Bidirectional(GRU(4), merge_mode='sum')": lambda: layers.Bidirectional(layers.GRU(4), "sum"),
    "Bidirectional(GRU(4), backward_layer=LSTM(4, go_backwards=True))": lambda: layers.Bidirectional(
        layers.GRU(4), backward_layer=layers.LSTM(4, go_backwards=True)
    ),
}


@pytest.mark.parametrize("shown", SHOWN)
def test_a_layer_shows_the_options_that_differ_from_defaults(shown):
    assert repr(SHOWN[shown]()) == shown


def test_a_built_layer_shows_its_shapes():
    model = nr.Sequential([layers.Input((5, 3)), layers.TimeDistributed(layers.Dense(2)), layers.LSTM(4)])
    assert [repr(layer) for layer in model.layers] == [
        "<TimeDistributed(Dense(2)): output (None, 5, 2), kernel (3, 2), bias (2,)>",
        "<LSTM(4): output (None, 4), kernel (2, 16), recurrent_kernel (4, 16), bias (16,)>",
    ]


def test_callbacks_and_optimizers_show_their_options():
    assert repr(nr.callbacks.EarlyStopping(patience=3)) == "EarlyStopping(patience=3)"
    checkpoint = nr.callbacks.ModelCheckpoint("best.npz", save="training")
    assert repr(checkpoint) == "ModelCheckpoint('best.npz', save='training')"
    assert "clip_value=1.0" in repr(nr.optimizers.Adam(clip_value=1.0))


@pytest.mark.parametrize("layer", [layers.LSTM, layers.GRU, layers.SimpleRNN, layers.Bidirectional, layers.Dense])
def test_help_describes_every_parameter_of_the_constructor(layer):
    _, found = sections(layer.__doc__)
    assert list(entries(found["Parameters"])) == list(signature(layer).parameters)
    assert {"Parameters", "Raises", "Notes"} <= found.keys()
