"""The recipes that forecast learn, within bounds that a wrong gradient does not reach."""

import numpy as np
import pytest
from helpers.recipe_runs import data, learned

import numbarnn as nr
from numbarnn.recipes import RECIPES, creative, forecasts, sunspots

# The figures behind the bounds, from three seeds: losses with right gradients, with none for the recurrent weights,
# and with none for the recurrent layers.


@pytest.mark.parametrize(
    ("name", "epochs", "bound"),
    [
        ("series", 2, 0.019),  # 0.005 to 0.012; 0.026; 0.13
        ("sine-windows", 30, 0.2),  # 0.06 to 0.09; 0.54; 1.35
        ("deep", 1, 0.06),  # 0.012; 0.016; 0.15
        ("sunspots", 20, 0.016),  # 0.011; 0.021; 0.036
    ],
)
def test_a_forecaster_learns(name, epochs, bound):
    assert learned(name, epochs)[0] < bound


def test_dropout_learns_from_every_other_value():
    (x, y), _ = data("deep-dropout")
    model = RECIPES["deep-dropout"].build(0, "float32")
    history = model.fit(x, y, batch_size=50, epochs=4, verbose=0)
    assert history.history["loss"][-1] < 0.38  # 0.33; 0.42; 0.9


def test_projection_wrapper_and_dense_layer_over_all_steps_give_the_same_numbers():
    """The two ways of the notebook, and their training, in float64."""
    (x, y), _ = data("series", "float64")
    dense = RECIPES["series"].build(3, "float64")
    cell = nr.OutputProjectionWrapper(nr.BasicRNNCell(100, activation="relu"), output_size=1)
    wrapped = nr.Sequential([nr.layers.Input((None, 1)), nr.layers.RNN(cell, return_sequences=True)], dtype="float64")
    forecasts.compiled(wrapped)
    for name, array in dense.params.items():
        part, parameter = name.split("/")
        wrapped.params[f"rnn/cell/{parameter}" if part == "simple_rnn" else f"rnn/projection_{parameter}"][...] = array
    losses = [
        [model.train_on_batch(x[i : i + 50], y[i : i + 50]) for i in range(0, 500, 50)] for model in (dense, wrapped)
    ]
    np.testing.assert_allclose(*losses, rtol=1e-10)
    np.testing.assert_allclose(dense.predict(x[:100]), wrapped.predict(x[:100]), rtol=1e-8, atol=1e-10)


def test_the_first_value_made_up_is_the_same_by_windows_and_by_state():
    """Then the state remembers what has left the window."""
    model = RECIPES["creative"].build(0, "float32")
    model.params["dense/bias"][...] = 0.5  # zeros alone would give zeros for ever
    windows, state = creative.by_windows(model), creative.by_state(model)
    assert windows.shape == state.shape == (300,)
    np.testing.assert_allclose(windows[0], state[0], rtol=1e-5)
    assert not np.allclose(windows, state, rtol=1e-3)
    sequence = [0.0] * 20
    for _ in range(3):
        x = np.array(sequence[-20:], "float32").reshape(1, 20, 1)
        sequence.append(float(model.predict(x)[0, -1, 0]))
    np.testing.assert_allclose(windows[:3], sequence[20:], rtol=1e-4, atol=1e-6)


def test_a_prompt_is_numbers_between_commas():
    model = RECIPES["series"].build(0, "float32")
    values = RECIPES["series"].generate(model, "0.5, 1,-1e-1", 4, None, 0)
    expected = nr.generate(model, np.array([[[0.5], [1], [-0.1]]]), 4)[0]
    assert values.shape == (4, 1) and np.array_equal(values, expected)
    with pytest.raises(nr.InputError, match="expected a prompt of numbers between commas, got 'a,b'"):
        RECIPES["series"].generate(model, "a,b", 4, None, 0)


class Constant:
    """A model that predicts the same, whatever it is given."""

    def __init__(self, predicted):
        self.predicted = predicted

    def predict(self, x):
        return self.predicted


def test_report_of_a_forecaster():
    x, y = np.zeros((2, 20, 1)), np.ones((2, 20, 1))
    report = forecasts.report(Constant(np.full((2, 20, 1), 1.5)), x, y)
    assert "0.25 over all steps, 0.25 at the last step" in report and "'next = now' has 1" in report


def test_report_of_sunspots_is_in_sunspots():
    roots = lambda numbers: np.sqrt(np.array(numbers, float)).reshape(2, 1, 1) / sunspots.SCALE  # noqa: E731
    report = sunspots.report(Constant(roots([100, 40])), roots([50, 50]), roots([110, 50])).splitlines()
    assert report[1:] == ["  network: 10.0", "  as the year before: 42.4"]
