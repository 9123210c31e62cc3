"""The recipes for text, speech and memory learn, within bounds that a wrong gradient does not reach."""

import numpy as np
import pytest
from helpers.recipe_runs import data, fit, learned

import numbarnn as nr
from numbarnn.recipes import RECIPES, shakespeare

# The figures behind the bounds, from three seeds: with right gradients, with none for the recurrent weights, and with
# none for the recurrent layer and what lies below.


@pytest.mark.parametrize(
    ("name", "words", "accuracy"),
    [
        ("imdb-rnn", slice(-60, None), 0.93),  # 0.98 to 0.99; 0.999; 0.49
        ("imdb-lstm", slice(-60, None), 0.85),  # 0.91 to 0.92; 0.76; 0.53
        ("imdb", slice(60), 0.85),  # 0.94; 0.94; 0.52
    ],
)
def test_reviews_are_learned(name, words, accuracy):
    """60 words of 1,000 reviews, by heart."""
    (x, y), _ = data(name)
    model = RECIPES[name].build(0, "float32")
    history = fit(name, model, (x[:1000, words], y[:1000]), None, epochs=4, batch_size=25)
    assert history.history["accuracy"][-1] > accuracy


def test_padding_behind_a_review_changes_nothing_where_it_is_masked():
    model = RECIPES["imdb"].build(0, "float32")
    x = np.random.default_rng(0).integers(1, 10_000, (3, 20))
    x[1, 12:] = 0
    np.testing.assert_allclose(model.predict(np.pad(x, ((0, 0), (0, 9)))), model.predict(x), rtol=1e-5)


def test_vowels_are_learned():
    loss, accuracy = learned("vowels", epochs=10)
    assert loss < 0.45 and accuracy > 0.85  # 0.18 to 0.32; 0.53; 1.8


def test_shakespeare_is_learned(monkeypatch):
    monkeypatch.setattr(shakespeare, "STEPS", 16)
    loss, _ = learned("shakespeare", 1, train=slice(200 * 32), test=slice(32))
    assert loss < 2.7  # 2.51 to 2.57; 2.82; 3.9


def test_shakespeare_goes_on_from_batch_to_batch_and_holds_out_the_last_tenth():
    (x, y), (x_test, y_test) = data("shakespeare")
    numbers = shakespeare.encoded(nr.datasets.tiny_shakespeare())
    assert np.array_equal(x[:, 1:], y[:, :-1]) and np.array_equal(x[32:, 0], y[:-32, -1])
    assert x.size <= len(numbers) * 9 // 10 and np.array_equal(x[::32].ravel(), numbers[: x[::32].size])
    held_out = len(numbers) - len(numbers) * 9 // 10
    assert np.array_equal(x_test[::32].ravel(), numbers[-held_out:][: x_test[::32].size])
    assert held_out - 32 <= y_test.size < held_out


def test_shakespeare_refuses_other_batches_and_other_characters():
    model = RECIPES["shakespeare"].build(0, "float32")
    x = np.zeros((64, 8), int)
    with pytest.raises(nr.InputError, match="rows for batches of 32, got 16"):
        shakespeare.fit(model, (x, x), (x, x), 1, 16, 0)
    with pytest.raises(nr.InputError, match="expected the 65 characters of the plays, got 'é'"):
        shakespeare.encoded("Roméo")


def test_shakespeare_encodes_its_characters():
    text = "\n !$&',-.3:;?AZaz"
    assert "".join(shakespeare.CHARACTERS[shakespeare.encoded(text)]) == text and len(shakespeare.CHARACTERS) == 65


def test_digits_are_reversed():
    """Up to three digits, of 1,000 strings."""
    train, test = (
        tuple(map(nr.Padded.of, nr.datasets.reversed_digits(n, 3, rng=seed))) for n, seed in ((1000, 1), (200, 2))
    )
    model = RECIPES["reverse"].build(0, "float32")
    fit("reverse", model, train, test, epochs=8)
    assert RECIPES["reverse"].correct(model, *test).mean() > 0.4  # 0.6; 0.65; 0


def memory(name, label, epochs, problem, **sizes):
    """The last value of `evaluate` on a short version of the problem."""
    train, test = problem(2000, **sizes, rng=1), problem(500, **sizes, rng=2)
    model = RECIPES[name].build(0, "float32")[label]
    fit(name, model, train, test, epochs)
    return np.ravel(model.evaluate(*test))[-1]


def test_adding_over_ten_steps_is_learned():
    assert memory("adding", "LSTM", 12, nr.datasets.adding_problem, steps=10) < 0.0008  # 0.0003; 0.0011; 0.14
    assert memory("adding", "SimpleRNN", 12, nr.datasets.adding_problem, steps=10) < 0.027  # 0.019; 0.033; 0.13


def test_copying_over_three_steps_is_learned():
    assert memory("copy", "LSTM", 10, nr.datasets.copy_problem, delay=3, length=5) > 0.65  # 0.77; 0.54; 0.24
