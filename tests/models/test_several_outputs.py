"""Models that end with a layer of several outputs: they predict a list; a `Sequential` of this kind is not trained."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn.layers import GRU, LSTM, RNN, Bidirectional, Dense, Input, LSTMCell

X = np.random.default_rng(0).standard_normal((7, 5, 3), "float32")
LAST = {
    "merge_mode": lambda: Bidirectional(LSTM(4), merge_mode=None),
    "merge_mode, sequences": lambda: Bidirectional(GRU(4, return_sequences=True), merge_mode=None),
    "merge_mode, states": lambda: Bidirectional(LSTM(4, return_state=True), merge_mode=None),
    "states of both": lambda: Bidirectional(LSTM(4, return_state=True)),
    "states": lambda: LSTM(4, return_state=True),
    "states of a stack": lambda: RNN([LSTMCell(4), LSTMCell(2)], return_state=True),
}


def flat(tree):
    return [a for part in tree for a in flat(part)] if isinstance(tree, tuple | list) else [tree]


def flat_shapes(tree):
    """The shapes, which start with None, in order; those of a stack's states are nested as the states are."""
    return [tree] if tree[0] is None else [shape for part in tree for shape in flat_shapes(part)]


@pytest.fixture(params=LAST)
def model(request):
    inputs = Input((None, 3))
    return nr.Model(inputs, LAST[request.param]()(GRU(3, return_sequences=True)(inputs)))


def test_predict(model):
    """What the layers give one after the other, whatever the batches."""
    expected = model.layers[1](model.layers[0](X))
    outputs = model.predict(X, batch_size=3)
    assert isinstance(outputs, list) and len(outputs) == len(expected)
    for got, want in zip(flat(outputs), flat(expected), strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-6)
    shapes = flat_shapes(model.output_shape)
    assert [np.shape(a)[1:] for a in flat(outputs)] == [tuple(n or 5 for n in s[1:]) for s in shapes]
    assert len(outputs) == len(model.output_shape)
    assert [output.shape for output in model.outputs] == shapes
    copy = pickle.loads(pickle.dumps(model))
    for got, want in zip(flat(copy.predict(X)), flat(model.predict(X)), strict=True):
        assert_array_equal(got, want)


def test_summary_and_weights(model, capsys):
    model.summary()
    assert str(model.layers[1].output_shape)[1:-1].split("), ")[0] in capsys.readouterr().out
    model.set_weights([w + 1 for w in model.get_weights()])


@pytest.mark.parametrize("last", LAST.values(), ids=LAST)
def test_no_training_of_a_list_of_layers(last):
    model = nr.Sequential([Input((None, 3)), GRU(3, return_sequences=True), last()])
    model.compile("adam", "mse")
    y = np.zeros((7, 4), "float32")
    for caller, call in {
        "fit": lambda: model.fit(X, y, verbose=0),
        "evaluate": lambda: model.evaluate(X, y),
        "train_on_batch": lambda: model.train_on_batch(X, y),
    }.items():
        with pytest.raises(nr.InputError, match=f"{caller}.*: expected layers with one output, got .* with several"):
            call()


def test_one_output_cannot_be_unpacked():
    with pytest.raises(nr.InputError, match=r"lstm: expected an array of several outputs to unpack, got one output"):
        _output, _state = LSTM(4)(Input((None, 3)))
    with pytest.raises(nr.InputError, match="expected lstm with several outputs to be the last layer, got dense"):
        nr.Sequential([Input((None, 3)), LSTM(4, return_state=True), Dense(2)])
    with pytest.raises(nr.InputError, match=r"dense: expected one input, got \["):
        Dense(2)(LSTM(4, return_state=True)(Input((None, 3))))


def test_parts_of_an_encoder_decoder_have_one_output():
    for encoder, decoder in (
        ([LSTM(3, return_state=True)], [LSTM(3, return_sequences=True)]),
        ([LSTM(3)], [LSTM(3, return_sequences=True, return_state=True)]),
    ):
        with pytest.raises(nr.InputError, match="encoder_decoder: expected layers with one output, got lstm with sev"):
            nr.EncoderDecoder(encoder, decoder, start=np.zeros(3))
