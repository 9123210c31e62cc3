"""What the figures of the recipes and of `History.plot` show."""

import numpy as np
import pytest

from numbarnn import Padded, datasets
from numbarnn.recipes import RECIPES, curves, images
from numbarnn.training.history import History

matplotlib = pytest.importorskip("matplotlib")
FigureCanvasAgg = pytest.importorskip("matplotlib.backends.backend_agg").FigureCanvasAgg


class Constant:
    """A model that predicts the same, whatever it is given."""

    def __init__(self, predicted):
        self.predicted = predicted

    def predict(self, x, batch_size=None):
        return self.predicted


def history(epochs, first=0):
    course = History()
    for epoch in range(first, first + epochs):
        course.append(epoch, {"loss": 1 / (epoch + 1), "accuracy": 0.5, "val_loss": 2 / (epoch + 1)})
    return course


def drawn(figure):
    """Lay the figure out; returns the renderer, for the places of its parts."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas.get_renderer()


def x_ticks(figure, axes):
    drawn(figure)
    low, high = axes.get_xlim()
    return [tick for tick in axes.get_xticks() if low <= tick <= high]


def titles(figure):
    return [axes.get_title() for axes in figure.axes if axes.axison]


@pytest.mark.parametrize("mistakes", [0, 1, 8, 20])
def test_tiles_of_mistakes_hold_mistakes_alone(mistakes):
    y = np.arange(30) % 10
    predicted = y.copy()
    predicted[:mistakes] = (y[:mistakes] + 1) % 10
    figure = images.figures(Constant(np.eye(10)[predicted]), np.zeros((30, 4, 4)), y)["mistakes.png"]
    expected = [f"{a}, taken for {(a + 1) % 10}" for a in y[: min(mistakes, 12)]]
    assert titles(figure) == expected
    assert mistakes or figure.axes[0].get_title() == "no mistakes"


def test_a_true_digit_with_a_score_as_high_as_the_predicted_one_is_a_mistake_too():
    scores = np.zeros((2, 10))
    scores[:, 5] = scores[0, 7] = 1
    figure = images.figures(Constant(scores), np.zeros((2, 4, 4)), np.array([7, 5]))["mistakes.png"]
    assert titles(figure) == ["7, taken for 5"]


def plotted(course):
    figures = curves.figures({"": course})
    closed = course.plot()
    for figure in closed:
        matplotlib.pyplot.close(figure)
    return [*figures.values(), *closed]


@pytest.mark.parametrize("epochs", [1, 2, 3, 7, 100])
def test_ticks_of_curves_are_whole_epochs(epochs):
    for figure in plotted(history(epochs, first=2)):
        ticks = x_ticks(figure, figure.axes[0])
        assert ticks and all(tick == round(tick) for tick in ticks)


def test_curves_of_one_epoch_can_be_seen():
    for figure in plotted(history(1)):
        for line in figure.axes[0].lines:
            assert line.get_marker() not in ("None", "", None)


def test_curves_of_recipes_count_epochs_as_their_progress_does():
    figure = curves.figures({"": history(3)})["loss.png"]
    assert [list(line.get_xdata()) for line in figure.axes[0].lines] == [[1, 2, 3]] * 2


def test_axes_of_curves_have_names():
    for figure in plotted(history(2)):
        (axes,) = figure.axes
        assert axes.get_xlabel() == "epoch" and axes.get_ylabel() in ("loss", "accuracy")
        assert axes.get_ylabel() in axes.get_title()


def series():
    (_, test) = RECIPES["series"].load(None, "float32")
    return RECIPES["series"].figures(Constant(test[1]), *test)


def sine_windows():
    (_, test) = RECIPES["sine-windows"].load(None, "float32")
    return RECIPES["sine-windows"].figures(Constant(test[1]), *test)


def sunspots():
    roots = np.linspace(0, 1, 80).reshape(80, 1, 1)
    return RECIPES["sunspots"].figures(Constant(roots), roots, roots)


def reviews():
    return RECIPES["imdb"].figures(Constant(np.linspace(0, 1, 50)[:, None]), None, np.arange(50) % 2)


def copy():
    x, y = datasets.copy_problem(3, 30, 5, 8)
    scores = np.random.default_rng(0).standard_normal((1, 40, 10))
    return RECIPES["copy"].figures({"LSTM": Constant(scores), "SimpleRNN": Constant(scores)}, x, y)


def adding():
    y = np.linspace(0, 2, 50)[:, None]
    return RECIPES["adding"].figures({"LSTM": Constant(y), "SimpleRNN": Constant(0 * y)}, None, y)


def comparison():
    return curves.figures({f"rate-{rate}": history(4) for rate in (0.03, 0.01, 0.001)})


def reverse():
    x, y = map(Padded.of, datasets.reversed_digits(200, 10))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RECIPES["reverse"], "correct", lambda model, x, y: np.ones(200, bool))
        return RECIPES["reverse"].figures(None, x, y)


ALL = [series, sine_windows, sunspots, reviews, copy, adding, comparison, reverse]


@pytest.mark.parametrize("draw", ALL)
def test_a_legend_covers_no_curve_and_no_name(draw):
    for figure in draw().values():
        renderer = drawn(figure)
        for axes in figure.axes:
            if (legend := axes.get_legend()) is not None:
                box = legend.get_window_extent(renderer)
                names = [axes.xaxis.get_tightbbox(renderer), axes.yaxis.get_tightbbox(renderer)]
                assert not box.overlaps(axes.get_window_extent(renderer))
                assert not any(box.overlaps(name) for name in names if name is not None)


@pytest.mark.parametrize("draw", ALL)
def test_axes_are_named_by_what_they_measure(draw):
    for figure in draw().values():
        names = [(axes.get_xlabel(), axes.get_ylabel()) for axes in figure.axes]
        assert any(x for x, _ in names) and any(y for _, y in names)
        assert not {"time", "value", "x", "y"} & {name for pair in names for name in pair}


@pytest.mark.parametrize("draw", [copy, reverse])
def test_ticks_of_what_is_counted_are_whole(draw):
    for figure in draw().values():
        for axes in (axes for axes in figure.axes if axes.get_label() != "<colorbar>"):
            assert all(tick == round(tick) for tick in x_ticks(figure, axes))
            assert draw is reverse or all(tick == round(tick) for tick in axes.get_yticks())


def test_forecasts_of_windows_in_any_order_are_where_the_windows_are():
    """The truth is a line through the whole series, and each forecast is a dot at its own time."""
    (axes,) = sine_windows()["forecast.png"].axes
    truth, forecast = axes.lines
    f = lambda t: np.sin(t) / 3 + 2 * np.sin(5 * t)  # noqa: E731
    assert len(truth.get_xdata()) == 800 and (np.diff(truth.get_xdata()) > 0).all()
    np.testing.assert_allclose(truth.get_ydata(), f(truth.get_xdata()), rtol=1e-12)
    assert forecast.get_linestyle() == "None" and len(forecast.get_xdata()) == 8 * 20
    np.testing.assert_allclose(forecast.get_ydata(), f(forecast.get_xdata()), atol=1e-6)  # the forecasts are right


def test_forecasts_of_the_test_series_are_at_their_times():
    truth, forecast = series()["forecast.png"].axes[0].lines
    t = forecast.get_xdata()
    np.testing.assert_allclose(forecast.get_ydata(), np.sin(t) / 3 + 2 * np.sin(5 * t), atol=1e-6)
    assert np.array_equal(truth.get_xdata(), t) and t[-1] == 30


def test_forecasts_of_sunspots_are_at_their_years():
    (axes,) = sunspots()["forecast.png"].axes
    assert axes.lines[1].get_xdata().tolist() == list(range(1929, 2009))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("year", "sunspot number, mean of the year")


def test_counts_in_a_confusion_matrix_can_be_read():
    """White is for the darker half of the fields."""
    y = np.repeat([0, 0, 1], [72, 25, 30])
    predicted = np.repeat([0, 1, 1], [72, 25, 30])
    (axes,) = RECIPES["vowels"].figures(Constant(np.eye(9)[predicted]), None, y)["confusion.png"].axes
    assert {text.get_text(): text.get_color() for text in axes.texts if text.get_text()} == {
        "72": "w",
        "25": "k",
        "30": "k",
    }
