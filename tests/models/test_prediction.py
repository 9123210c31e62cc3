"""Generation and prediction with weights that are packed once: the bits of passes that pack them each time."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn.engines.cpu import weights
from numbarnn.layers import GRU, LSTM, RNN, Bidirectional, Dense, Embedding, Input, SimpleRNN
from numbarnn.models import encoder_decoder, generation
from numbarnn.training import trainer

TOKENS, FEATURES = 11, 3


def text_model(dtype="float32", **options):
    layers = [
        Input((None,)),
        Embedding(TOKENS, 5),
        LSTM(20, return_sequences=True, **options),
        GRU(9, return_sequences=True, **options),
        Dense(TOKENS),
    ]
    return nr.Sequential(layers, seed=1, dtype=dtype)


def vector_model(layer):
    return nr.Sequential([Input((None, FEATURES)), layer, Dense(FEATURES)], seed=1)


def translator(**options):
    encoder = [Embedding(TOKENS, 4, mask_zero=True), LSTM(6)]
    decoder = [Embedding(TOKENS, 4), LSTM(6, return_sequences=True), Dense(TOKENS, activation="softmax")]
    return nr.EncoderDecoder(encoder, decoder, start=0, seed=1, **options)


RNG = np.random.default_rng(0)
TEXT = RNG.integers(0, TOKENS, (3, 7))
VECTORS = RNG.standard_normal((5, 6, FEATURES)).astype("float32")
CASES = {
    "tokens": lambda: nr.generate(text_model(), TEXT, 12),
    "tokens, drawn": lambda: nr.generate(text_model("float64"), TEXT, 12, temperature=1.0, seed=3),
    "tokens of windows": lambda: nr.generate_from_windows(text_model(), TEXT, 5, window=6),
    "tokens of one step": lambda: nr.generate(text_model(), TEXT[:, :1], 5),
    "vectors": lambda: nr.generate(vector_model(SimpleRNN(8)), VECTORS, 6),
    "vectors, a stack": lambda: nr.generate(
        vector_model(RNN([nr.LSTMCell(5), nr.ResidualWrapper(nr.GRUCell(5))])), VECTORS, 6
    ),
    "vectors of windows, both ways": lambda: nr.generate_from_windows(vector_model(Bidirectional(GRU(4))), VECTORS, 4),
    "prediction": lambda: text_model().predict(TEXT, batch_size=1),
    "prediction, both ways": lambda: vector_model(Bidirectional(LSTM(4))).predict(VECTORS, batch_size=2),
    "prediction of an iterable": lambda: vector_model(GRU(4)).predict(iter([VECTORS, VECTORS[:2]])),
    "prediction of other lengths": lambda: vector_model(GRU(4)).predict([v[: 2 + k] for k, v in enumerate(VECTORS)], 2),
    "sequences": lambda: translator().generate(TEXT, 6, stop=2).values,
    "sequences, teacher forcing": lambda: translator().predict(TEXT, TEXT, batch_size=1),
}


def packings(monkeypatch):
    """The cells whose weights are packed from now on."""
    packed, original = [], weights.unpacked
    monkeypatch.setattr(weights, "unpacked", lambda p, params: packed.append(p.cell) or original(p, params))
    return packed


@pytest.mark.parametrize("name", CASES)
def test_bits(name, monkeypatch):
    packed = packings(monkeypatch)
    found, count = CASES[name](), len(packed)
    for module in (generation, trainer, encoder_decoder):
        monkeypatch.setattr(module, "for_prediction", lambda graph: graph)
    assert_array_equal(CASES[name](), found)
    assert len(packed) > 2 * count  # each time


def test_stateful_layers_go_on():
    """From batch to batch of one prediction, and from one prediction to the next."""
    one, other = (text_model(stateful=True) for _ in range(2))
    steps = TEXT.T[:, :, None]  # a batch of three rows, one step at a time
    found = np.concatenate(
        [one.predict(iter(steps[:4])), one.predict(iter(steps[4:6])), one.predict(steps[6], batch_size=3)]
    )
    assert_array_equal(found, np.concatenate([other(step) for step in steps]))
    for layer, same in zip(one.layers, other.layers, strict=True):
        if layer.stateful:
            for s, t in zip(layer.state, same.state, strict=True):
                assert_array_equal(s, t)


def test_callbacks_reset_states():
    class Resets(nr.callbacks.Callback):
        def on_predict_batch_end(self, batch, logs):
            self.model.reset_states()

    one, other = (text_model(stateful=True) for _ in range(2))
    found = one.predict(iter(TEXT.T[:, :, None]), callbacks=[Resets()])
    expected = []
    for step in TEXT.T[:, :, None]:
        expected.append(other(step))
        other.reset_states()
    assert_array_equal(found, np.concatenate(expected))


def test_weights_may_change_between_predictions():
    model = vector_model(LSTM(4))
    before = model.predict(VECTORS, batch_size=2)
    for layer in model.layers:
        for array in layer.params.values():
            array += 0.1
    after = model.predict(VECTORS, batch_size=2)
    assert not np.array_equal(before, after)
    assert_array_equal(after, np.concatenate([model(VECTORS[k : k + 2]) for k in (0, 2, 4)]))
    assert all(array.flags.writeable for layer in model.layers for array in layer.params.values())


def test_raw_rnn_packs_once(monkeypatch):
    packed, cell = packings(monkeypatch), nr.LSTMCell(4)
    params = cell.init_params(4)

    def loop(time, output, state, _):
        output, state = (np.ones((2, 4), "float32"), cell.zero_state(2)) if time == 0 else (output, state)
        return np.full(2, time >= 5), output, state, None if time == 0 else output, None

    run = nr.raw_rnn(cell, params, loop)
    assert len(packed) == 1
    x, state = np.ones((2, 4), "float32"), None
    for emit in run.outputs:
        x, state = cell.step(params, x, state)
        assert_array_equal(emit, x)
    assert run.backward(run.outputs).params.keys() == params.keys()
    assert params["kernel"].flags.writeable
