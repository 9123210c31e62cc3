"""The estimators of `nr.sklearn`: scikit-learn's own checks, and what they learn from sequences."""

import subprocess
import sys

import joblib
import numpy as np
import pytest

import numbarnn as nr
from numbarnn.callbacks import EarlyStopping
from numbarnn.layers import LSTM, Bidirectional, Dense

pytest.importorskip("sklearn")
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

RNNClassifier, RNNRegressor, RNNForecaster = nr.sklearn.RNNClassifier, nr.sklearn.RNNRegressor, nr.sklearn.RNNForecaster
FAST = {"layer": "SimpleRNN", "units": 8, "learning_rate": 0.03, "random_state": 0}
WEIGHTS = {"check_sample_weight_equivalence_on_dense_data": "a repeated sample changes the batches, a weight does not"}
SERIES = {
    "check_methods_sample_order_invariance": "the order of steps is what a series is",
    "check_methods_subset_invariance": "rows are steps, of which a forecast needs a whole window",
    "check_fit2d_1sample": "a series of one step is refused, in words of series",
    "check_fit1d": "one dimension is a series of one column",
    "check_fit2d_predict1d": "as in fit: it is refused for the number of its columns",
}
CHECKED = {
    "classifier": (RNNClassifier(**FAST, epochs=10), WEIGHTS),
    "regressor": (RNNRegressor(**FAST, epochs=20), WEIGHTS),
    "forecaster": (RNNForecaster(3, **FAST, epochs=2), SERIES),
}


def sums(n=60, features=2, seed=0):
    """Sequences of different lengths, and the mean of each one's features."""
    rng = np.random.default_rng(seed)
    x = [rng.standard_normal((rng.integers(2, 7), features)) for _ in range(n)]
    return x, np.array([row.mean(0) for row in x])


def waves(n=160, seed=0):
    """A series: a wave whose level is told by a covariate of the same step, which is random."""
    level = np.random.default_rng(seed).integers(0, 2, n)
    return np.stack([50 + np.sin(np.arange(n) / 3) + 3 * level, level], 1)


@pytest.mark.parametrize("name", CHECKED)
def test_scikit_learns_own_checks(name):
    estimator, exceptions = CHECKED[name]
    results = check_estimator(estimator, expected_failed_checks=exceptions, on_skip=None, on_fail=None)
    assert [(r["check_name"], str(r["exception"])) for r in results if r["status"] == "failed"] == []
    assert sum(r["status"] == "passed" for r in results) > 30
    passed = {r["check_name"] for r in results if r["status"] == "passed"}
    assert not passed & exceptions.keys()  # exceptions that are none any more


def test_classifier_takes_sequences_of_different_lengths():
    x, means = sums()
    y = np.where(means[:, 0] > 0, "up", "down")
    estimator = RNNClassifier(**FAST, epochs=40).fit(x, y)
    assert estimator.score(x, y) > 0.9 and list(estimator.classes_) == ["down", "up"]
    assert estimator.n_features_in_ == 2 and estimator.n_iter_ == len(estimator.history_["accuracy"]) == 40
    p = estimator.predict_proba(x)
    assert p.shape == (60, 2) and np.allclose(p.sum(1), 1)
    assert (estimator.classes_[p.argmax(1)] == estimator.predict(x)).all()


def test_one_sequence_in_all_forms_has_one_prediction():
    table = np.random.default_rng(0).standard_normal((20, 5))
    estimator = RNNRegressor(**FAST, epochs=1).fit(table, table.sum(1))
    expected = estimator.predict(table)
    assert expected.shape == (20,) and expected.std() > 0
    padded = np.pad(table, ((0, 0), (0, 2)), constant_values=9.0)
    for form in (table[:, :, None], list(table[:, :, None]), nr.Padded(padded, np.full(20, 5))):
        assert np.allclose(estimator.predict(form), expected, atol=1e-6)
    assert np.allclose(estimator.predict(list(table)), expected, atol=1e-6)
    # each array of a list is a sequence of its own length, also if all have one
    shorter = estimator.predict([table[0, :3], table[1]])
    assert np.allclose(shorter, [*estimator.predict([table[0, :3]]), expected[1]], atol=1e-6)
    with pytest.raises(ValueError, match="X has 3 features, but RNNRegressor is expecting 5"):
        estimator.predict(table[:, :3])


def test_regressor_of_several_targets_is_saved_and_cloned(tmp_path):
    x, y = sums()
    estimator = RNNRegressor(**FAST, epochs=30).fit(x, y)
    assert estimator.predict(x).shape == y.shape and estimator.score(x, y) > 0.7
    joblib.dump(estimator, tmp_path / "estimator.joblib")
    assert (joblib.load(tmp_path / "estimator.joblib").predict(x) == estimator.predict(x)).all()
    copy = clone(estimator)
    with pytest.raises(NotFittedError):
        copy.predict(x)
    assert (copy.fit(x, y).predict(x) == estimator.predict(x)).all()
    other = clone(estimator).set_params(random_state=1).fit(x, y)
    assert (other.predict(x) != estimator.predict(x)).any()


def test_pipeline_and_grid_search_in_two_processes():
    table = np.random.default_rng(0).standard_normal((40, 5))
    y = (table.sum(1) > 0).astype(int)
    pipeline = make_pipeline(StandardScaler(), RNNClassifier(**FAST | {"device": "numpy"}))
    search = GridSearchCV(pipeline, {"rnnclassifier__epochs": [1, 30]}, cv=2, n_jobs=2).fit(table, y)
    assert search.best_params_ == {"rnnclassifier__epochs": 30} and search.best_score_ > 0.7


def test_lists_are_split_and_weights_count():
    x, means = sums(200)
    assert cross_val_score(RNNRegressor(**FAST, epochs=30), x, means, cv=2).min() > 0.3
    y = np.arange(200) % 2
    weighted = RNNClassifier(**FAST, epochs=2).fit(x, y, sample_weight=np.where(y, 1.0, 0.0))
    assert (weighted.predict(x) == 1).all()


def build(n_features, n_outputs):
    return [Bidirectional(LSTM(3)), Dense(n_outputs)]


def test_layer_is_a_cell_or_a_function():
    x, y = sums(20)
    assert RNNRegressor("MGUCell", 3, epochs=1).fit(x, y).model_.layers[0].cell == nr.MGUCell(3)
    assert isinstance(RNNRegressor(build, epochs=1).fit(x, y).model_.layers[0], Bidirectional)
    with pytest.raises(nr.InputError, match="RNNRegressor: expected layer to be a function or one of SimpleRNN, LSTM"):
        RNNRegressor("LSTN").fit(x, y)
    with pytest.raises(nr.InputError, match=r"RNNRegressor: expected layer .*, got \[1\]"):
        RNNRegressor([1]).fit(x, y)
    with pytest.raises(nr.InputError, match=r"expected layers with outputs of shape \(None, 2\)"):
        RNNRegressor(lambda n_features, n_outputs: [LSTM(3)]).fit(x, y)
    with pytest.raises(nr.InputError, match="RNNClassifier: expected scores, without a last activation"):
        RNNClassifier(lambda n_features, n_outputs: [LSTM(3), Dense(n_outputs, "softmax")]).fit(x, y[:, 0] > 0)


def test_training_stops_early_on_samples_that_it_does_not_see():
    x, _ = sums(20)
    stop = EarlyStopping(patience=1)
    estimator = RNNRegressor(**FAST | {"learning_rate": 1e-9}, epochs=20, validation_fraction=0.25, callbacks=[stop])
    estimator.fit(x, np.where(np.arange(20) < 10, 1, -1), sample_weight=np.ones(20))
    assert set(estimator.history_) == {"loss", "val_loss"} and estimator.n_iter_ < 20
    assert stop.stopped_epoch is None and clone(estimator).callbacks[0] is not stop


@pytest.mark.parametrize(
    "x, message",
    [
        ([np.ones((2, 1)), np.full((3, 1), np.nan)], "expected finite numbers, got nan"),
        ([np.ones((2, 1, 1)), np.ones((3, 1, 1))], r"expected sequences of numbers \(steps, features\)"),
        ([np.ones((2, 1)), np.ones((3, 2))], "of one shape but for their lengths"),
        (np.full((2, 3, 1), np.inf), "contains infinity"),
        (np.ones(2), "Expected 2D array"),
        ([[1.0], [1.0, 2.0]], "RNNRegressor: expected X as one array, got list: its rows have different shapes"),
        (np.ma.masked_array(np.ones((2, 3, 1))), "expected X without a mask"),
    ],
)
def test_bad_sequences_are_refused(x, message):
    with pytest.raises(ValueError, match=message):
        RNNRegressor(epochs=1).fit(x, [0.0, 1.0])


def test_forecaster_uses_what_is_known_of_the_future():
    series = waves()
    options = FAST | {"units": 16, "epochs": 40}
    past = series[:120]
    known = RNNForecaster(8, 3, known=[1], **options).fit(past)
    unknown = RNNForecaster(8, 3, targets=[0], **options).fit(past)
    assert known.score(series[110:]) > 0.9 > 0.5 > unknown.score(series[110:])
    forecast = known.predict(past, series[120:123, 1:])
    assert forecast.shape == (3, 1) and np.abs(forecast - series[120:123, :1]).max() < 1
    assert unknown.predict(past).shape == (3, 1) and list(known.known_) == [1] and list(known.targets_) == [0]
    # a forecast is that of the last window, and of each series alone
    both = known.predict([series[100:120], past], [series[120:123, 1:]] * 2)
    assert np.allclose(both, [forecast, forecast], rtol=1e-6)


def test_forecaster_sees_each_window_and_what_follows():
    estimator = RNNForecaster(2, 2, known=[1], layer=lambda f, o: [LSTM(1), Dense(o)], epochs=1).fit(waves(6))
    estimator.scaler_.mean_[:], estimator.scaler_.scale_[:] = 0, 1
    x, y = estimator._windows([np.stack([np.arange(6.0), 10 + np.arange(6.0)], 1)])
    # the series, the covariate, and the covariate of the next two steps
    assert x.tolist() == [[[t, 10 + t, 11 + t, 12 + t] for t in (i, i + 1)] for i in range(3)]
    assert y.tolist() == [[[i + 2], [i + 3]] for i in range(3)]


def test_forecaster_takes_one_series_or_several_and_is_searched():
    series = waves()[:, 0]
    one = RNNForecaster(6, 2, **FAST, epochs=5).fit(series)
    assert one.predict(series).shape == (2, 1)
    many = RNNForecaster(6, 2, **FAST, epochs=5).fit([series[:50], series[60:]])
    assert many.predict([series[:50], series]).shape == (2, 2, 1)
    assert many.predict(np.stack([series[:50], series[50:100]])[:, :, None]).shape == (2, 2, 1)
    search = GridSearchCV(one, {"epochs": [1, 20]}, cv=TimeSeriesSplit(2)).fit(np.sin(np.arange(160) / 3))
    assert search.best_params_ == {"epochs": 20}


def test_forecaster_refuses_what_does_not_fit():
    series = waves(40)
    for options, message in (
        ({"window": 0}, "window to be an integer of at least 1"),
        ({"window": 39, "horizon": 2}, "series of at least 41 steps, got 40 in number 0"),
        ({"known": [2]}, r"known to be a list of columns out of \[0, 1\]"),
        ({"known": 1}, r"known to be a list of columns out of \[0, 1\], got 1"),
        ({"known": [1, 1]}, r"known to be a list of columns out of \[0, 1\], got \[1, 1\]"),
        ({"targets": [0], "known": [0]}, "columns to forecast that are not known"),
        ({"known": [0, 1]}, "columns to forecast that are not known"),
    ):
        with pytest.raises(nr.InputError, match=message):
            RNNForecaster(**{"window": 4, "epochs": 1, **options}).fit(series)
    estimator = RNNForecaster(4, 2, known=[1], layer="SimpleRNN", units=2, epochs=1).fit(series)
    for future in (None, series[:1, 1:], series[:2, 1]):
        with pytest.raises(nr.InputError, match=r"expected future of shape \(2, 1\) for each series"):
            estimator.predict(series, future)
    with pytest.raises(nr.InputError, match="expected no future"):
        RNNForecaster(4, layer="SimpleRNN", units=2, epochs=1).fit(series).predict(series, series[:1])


def test_forecaster_takes_frames():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(waves(), columns=["load", "day"], index=pandas.date_range("2026-01-01", periods=160))
    estimator = RNNForecaster(8, 2, known=["day"], **FAST, epochs=2).fit(frame[:100])
    array = RNNForecaster(8, 2, known=[1], **FAST, epochs=2).fit(frame[:100].to_numpy())
    # a frame may have more columns than the known ones, in any order
    forecast = estimator.predict(frame[:100], frame[100:102][["load", "day"]])
    assert (forecast == array.predict(waves()[:100], waves()[100:102, 1:])).all()
    series = RNNForecaster(8, 2, **FAST, epochs=1).fit(frame["load"])
    assert series.predict(frame["load"]).shape == (2, 1)
    with pytest.raises(nr.InputError, match=r"out of \['load', 'day'\], got \['week'\]"):
        RNNForecaster(8, known=["week"]).fit(frame)


def test_without_scikit_learn_one_sentence_names_the_extra():
    check = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import numbarnn as nr\n"
        "try: nr.sklearn.RNNRegressor\n"
        "except ImportError as error: print(error)"
    )
    shown = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert shown.stdout == "nr.sklearn needs scikit-learn: pip install 'numbarnn[sklearn]'\n"
