"""Sequences that go on: from states and from windows, greedy and sampled."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn.__main__ import main
from numbarnn.layers import (
    GRU,
    LSTM,
    RNN,
    Activation,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    SimpleRNN,
    TimeDistributed,
)
from numbarnn.models.generation import sample


def draw(*shape):
    return np.random.default_rng(0).standard_normal(shape)


def series(*layers, features=1, steps=None):
    layers = layers or (SimpleRNN(7, return_sequences=True), Dense(features))
    return randomized(nr.Sequential([Input((steps, features)), *layers], dtype="float64"))


def text(*layers, last="softmax"):
    layers = layers or (LSTM(6, return_sequences=True), Dropout(0.5), GRU(5, return_sequences=True))
    return randomized(nr.Sequential([Embedding(8, 3), *layers, Dense(8, last)], dtype="float64"), (None, None))


def randomized(model, shape=None):
    if shape:
        model.build(shape)
    rng = np.random.default_rng(1)
    for array in model.params.values():
        array[...] = rng.standard_normal(array.shape)
    return model


def test_the_notebooks_loop():
    """A seed sequence of 20 zeros, 300 iterations, the last 20 values fed, y_pred[0, -1, 0] appended."""
    model, n_steps = series(SimpleRNN(10, "relu", return_sequences=True), Dense(1), steps=20), 20
    model.params["dense/bias"][:] = 0.5  # else all stays zero
    model.params["simple_rnn/recurrent_kernel"][...] *= 0.2
    sequence = [0.0] * n_steps
    for _ in range(300):
        x_batch = np.array(sequence[-n_steps:]).reshape(1, n_steps, 1)
        y_pred = model.predict(x_batch)
        sequence.append(y_pred[0, -1, 0])
    written = nr.generate_from_windows(model, np.zeros((1, n_steps, 1)), 300, window=n_steps)
    assert written.shape == (1, 300, 1) and np.ptp(written) > 0.1
    assert_allclose(written[0, :, 0], sequence[n_steps:], rtol=1e-12)


MODELS = [
    (series(), draw(3, 4, 1)),
    (series(LSTM(5), Dense(2), features=2), draw(3, 4, 2)),
    (series(GRU(5, return_sequences=True), TimeDistributed(Dense(4, "tanh")), LSTM(2), features=2), draw(1, 1, 2)),
    (series(RNN([nr.GRUCell(4), nr.LSTMCell(3)]), Dense(1), Activation("tanh")), draw(2, 3, 1)),
]


@pytest.mark.parametrize("model, start", MODELS)
def test_states_and_windows_agree_while_the_window_covers_everything(model, start):
    written = nr.generate(model, start, 12)
    assert written.shape == (len(start), 12, start.shape[2]) and written.dtype == "float64"
    assert_allclose(nr.generate_from_windows(model, start, 12), written, rtol=1e-11)
    covered = 12 - start.shape[1]  # a window of 12 holds all that is known for so long
    windows = nr.generate_from_windows(model, start, 12, window=12)
    assert_allclose(windows[:, : covered + 1], written[:, : covered + 1], rtol=1e-11)
    short = nr.generate_from_windows(model, start, 12, window=start.shape[1])
    assert_allclose(short[:, 0], written[:, 0], rtol=1e-11)
    assert np.all(np.abs(short[:, 1:] - written[:, 1:]).max(axis=(1, 2)) > 1e-6)


@pytest.mark.parametrize("last", ["softmax", None])
def test_tokens(last):
    """Greedy: at every step the likeliest after all that stands before it. Sampled: both forms draw alike."""
    model, start = text(last=last), np.array([[1, 2, 3], [7, 0, 7]])
    written = nr.generate(model, start, 15)
    assert written.dtype == start.dtype
    whole = np.concatenate([start, written], axis=1)
    assert_array_equal(model.predict(whole).argmax(axis=-1)[:, 2:-1], written)
    assert_array_equal(nr.generate_from_windows(model, start, 15), written)
    drawn = nr.generate(model, start, 15, temperature=0.8, seed=5)
    assert_array_equal(nr.generate(model, start, 15, temperature=0.8, seed=5), drawn)
    assert_array_equal(nr.generate_from_windows(model, start, 15, temperature=0.8, seed=5), drawn)
    assert np.any(nr.generate(model, start, 15, temperature=0.8, seed=6) != drawn)
    assert np.any(drawn != written)


def test_what_a_stateful_model_remembers_is_left_alone():
    model = series(LSTM(5, stateful=True), Dense(1))
    start = draw(2, 4, 1)
    written = nr.generate(model, start, 5)
    model.predict(draw(2, 3, 1), batch_size=2)
    state = [s.copy() for s in model.layers[0].state]
    assert_array_equal(nr.generate(model, start, 5), written)
    assert_allclose(nr.generate_from_windows(model, start, 5), written, rtol=1e-11)
    for a, b in zip(state, model.layers[0].state, strict=True):
        assert_array_equal(a, b)


def test_windows_take_layers_that_need_all_steps():
    model = series(Bidirectional(GRU(3, return_sequences=True)), Flatten(), Dense(1), steps=4)
    written = nr.generate_from_windows(model, draw(2, 4, 1), 5, window=4)
    assert written.shape == (2, 5, 1) and np.ptp(written) > 0


def test_sample():
    """Shares of the tokens are softmax(scores / temperature); no chance, no token."""
    scores, draws = np.array([1.0, 0.0, -np.inf, 2.0, -1.0]), 20000
    for temperature in (0.5, 1.0, 2.0):
        p = np.exp(scores / temperature)
        p /= p.sum()
        tokens = sample(np.tile(scores, (draws, 1)), temperature, np.random.default_rng(3))
        found = np.bincount(tokens, minlength=5) / draws
        assert found[2] == 0
        assert np.all(np.abs(found - p) <= 4 * np.sqrt(p * (1 - p) / draws))
    large = np.array([[1e8, 1e8 - 1, -1e8]], "float32")
    assert sample(large, 1.0, np.random.default_rng(0)) in (0, 1)
    assert_array_equal(sample(np.array([[0.0, 3.0, 1.0]]), 0.0, None), [1])
    assert_array_equal(sample(np.array([[0.0, 3.0, 1.0]]), 1e-300, np.random.default_rng(0)), [1])


@pytest.mark.parametrize(
    "use, message",
    [
        (lambda: nr.generate(series(), np.zeros((1, 4)), 3), "numbers of shape"),
        (lambda: nr.generate(series(), np.zeros((1, 0, 1)), 3), "numbers of shape"),
        (lambda: nr.generate(series(), np.zeros((1, 4, 2)), 3), "1 features to start from"),
        (lambda: nr.generate(series(LSTM(3)), np.zeros((1, 4, 1)), 3), "whose outputs can be its inputs"),
        (lambda: nr.generate(series(), np.zeros((1, 4, 1)), 0), "steps to be a positive integer"),
        (lambda: nr.generate(series(), np.zeros((1, 4, 1)), 3, temperature=1.0), "no temperature"),
        (lambda: nr.generate(series(Bidirectional(LSTM(1))), np.zeros((1, 4, 1)), 3), "got Bidirectional"),
        (lambda: nr.generate(series(LSTM(1, go_backwards=True)), np.zeros((1, 4, 1)), 3), "LSTM with go_backwards"),
        (lambda: nr.generate(text(), np.zeros((1, 4)), 3), "integers of shape"),
        (lambda: nr.generate(text(), np.zeros((1, 4), int), 3, temperature=-1.0), "a number of at least 0"),
        (lambda: nr.generate(text(last="sigmoid"), np.zeros((1, 4), int), 3), "scores or a softmax"),
        (lambda: nr.generate_from_windows(text(), np.zeros((1, 4), int), 3, window=0), "window to be a positive"),
        (lambda: nr.generate(nr.Sequential(), np.zeros((1, 4, 1)), 3), "at least one layer"),
    ],
)
def test_errors(use, message):
    with pytest.raises(nr.InputError, match=message):
        use()


class Series:
    """A recipe that goes on in numbers, x -> x / 2."""

    @staticmethod
    def build(seed, dtype):
        model = nr.Sequential([Input((None, 1)), Dense(1)], seed=seed, dtype=dtype)
        model.compile("sgd", "mse")
        return model

    @staticmethod
    def generate(model, prompt, n, temperature, seed):
        start = np.array([float(v) for v in (prompt or "0").split(",")]).reshape(1, -1, 1)
        return nr.generate(model, start, n)[0, :, 0]


class Text(Series):
    """One that goes on in letters, always the next of the alphabet."""

    @staticmethod
    def generate(model, prompt, n, temperature, seed):
        assert (temperature, seed) == (0.5, 3)
        return "".join(chr(ord(prompt[-1]) + 1 + i) for i in range(n))


@pytest.fixture
def weights(tmp_path, monkeypatch):
    monkeypatch.setattr("numbarnn.cli.generate.RECIPES", {"half": Series, "letters": Text, "digits": object()})
    model = Series.build(0, "float32")
    model.set_weights([[[0.5]], [0.0]])
    model.save_weights(tmp_path / "weights.npz")
    return ["--weights", str(tmp_path / "weights.npz")]


def test_command_line_values(weights, tmp_path, capsys):
    out, result = tmp_path / "values.txt", tmp_path / "result.json"
    options = ["--prompt", "3,8", "--length", "4", "--out", str(out), "--json", str(result)]
    assert main(["generate", "half", *weights, *options]) == 0
    assert capsys.readouterr().out == out.read_text() == "4.0\n2.0\n1.0\n0.5\n"
    expected = {"recipe": "half", "seed": 0, "prompt": "3,8", "temperature": None, "values": [[4], [2], [1], [0.5]]}
    assert json.loads(result.read_text()) == expected


def test_command_line_text(weights, tmp_path, capsys):
    out = tmp_path / "more.txt"
    options = ["--prompt", "xyza", "--length", "3", "--temperature", "0.5", "--seed", "3", "--out", str(out)]
    assert main(["generate", "letters", *weights, *options]) == 0
    assert capsys.readouterr().out == "xyzabcd\n" and out.read_text() == "bcd"


@pytest.mark.parametrize(
    "options, message",
    [
        (["digits"], "one of the recipes that can, half, letters"),
        (["half", "--weights", "nowhere.npz"], "no file nowhere.npz; first run: python -m numbarnn train half"),
        (["half", "--json", "{}"], "expected a file to write to"),
    ],
)
def test_command_line_errors(options, message, weights, tmp_path, capsys):
    options = [str(tmp_path) if option == "{}" else option for option in options]
    assert main(["generate", *(weights if "--weights" not in options else ()), *options]) == 2
    assert message in capsys.readouterr().err


def test_command_line_numbers(capsys):
    for options in (["--temperature", "-1"], ["--temperature", "nan"], ["--length", "0"]):
        with pytest.raises(SystemExit, match="2"):
            main(["generate", "half", *options])
        assert "expected" in capsys.readouterr().err
