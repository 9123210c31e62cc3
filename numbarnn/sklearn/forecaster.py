"""A forecaster of time series."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from ..callbacks import Callback
from ..errors import InputError, is_integer
from ..optimizers import Schedule
from ..utils.docs import inherit_parameters
from .base import Build, RNNEstimator
from .sequences import is_list_of_arrays


@inherit_parameters
class RNNForecaster(RNNEstimator):
    """Forecast the next steps of time series, all at once, from a window of the last ones.

    Parameters
    ----------
    window : int, default 24
        Number of steps that a forecast is made from.
    horizon : int, default 1
        Number of steps to forecast.
    targets : sequence of columns, optional
        What to forecast: names of the columns of a frame, or numbers of those of an array. By default all columns but
        the known ones.
    known : sequence of columns, default ()
        Covariates whose next ``horizon`` values are known when a forecast is made, such as the day of the week.

    Attributes
    ----------
    model_ : Sequential
        The trained model. It sees scaled columns, and at each step the known ones of the next ``horizon`` steps.
    scaler_ : StandardScaler
        Mean and scale of each column.
    targets_, known_ : ndarray of int
        Numbers of these columns.
    history_ : dict
        Loss of each epoch, as in `nr.Sequential.fit`.
    n_iter_ : int
        Number of epochs run.
    n_features_in_ : int
        Number of columns.

    Notes
    -----
    X is one series or several: an array or a frame (steps, columns), or numbers (steps,); an array (series, steps,
    columns), or a list of arrays or frames of different lengths. The ``validation_fraction`` are the last windows.
    """

    def __init__(
        self,
        window: int = 24,
        horizon: int = 1,
        *,
        targets: Sequence[str | int] | None = None,
        known: Sequence[str | int] = (),
        layer: str | Build = "LSTM",
        units: int = 32,
        epochs: int = 20,
        batch_size: int = 32,
        learning_rate: float | Schedule = 0.001,
        validation_fraction: float = 0.0,
        callbacks: Sequence[Callback] = (),
        random_state: int | np.random.RandomState | None = None,
        device: str = "cpu",
        verbose: int = 0,
    ) -> None:
        super().__init__(
            layer,
            units,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            validation_fraction=validation_fraction,
            callbacks=callbacks,
            random_state=random_state,
            device=device,
            verbose=verbose,
        )
        self.window = window
        self.horizon = horizon
        self.targets = targets
        self.known = known

    def fit(self, X: Any, y: Any = None) -> "RNNForecaster":
        """Train a new model on all windows of the series.

        Parameters
        ----------
        X : array_like (steps, columns), (steps,) or (series, steps, columns), frame, or list of these
            One series or several, each of at least window + horizon steps.
        y : None
            Has no effect: the targets are columns of X.

        Returns
        -------
        RNNForecaster
            This estimator.
        """
        for name in ("window", "horizon"):
            if not is_integer(getattr(self, name)) or getattr(self, name) < 1:
                expected = f"{name} to be an integer of at least 1"
                raise InputError(f"RNNForecaster: expected {expected}, got {getattr(self, name)!r}")
        series = self._series(X, self.window + self.horizon, reset=True)
        self.known_ = self._columns("known", self.known)
        others = np.setdiff1d(np.arange(self.n_features_in_), self.known_)
        self.targets_ = others if self.targets is None else self._columns("targets", self.targets)
        if not len(self.targets_) or len(np.intersect1d(self.targets_, self.known_)):
            raise InputError(f"RNNForecaster: expected columns to forecast that are not known, got {self!r}")
        self.scaler_ = StandardScaler().fit(np.concatenate(series))
        x, y = self._windows(series)
        return self._train(x, y.reshape(len(y), -1), y[0].size, "mse", shuffle=False)

    def predict(self, X: Any, future: Any = None) -> np.ndarray:
        """Forecast the steps after the end of each series.

        Parameters
        ----------
        X : array_like, frame, or list of these
            One series or several, as in `fit`, each of at least ``window`` steps.
        future : array_like (horizon, known columns), frame, or list of these
            The known covariates of the next steps, if there are any; a frame has their names.

        Returns
        -------
        ndarray (horizon, targets), or (series, horizon, targets) for several
            The forecasts.
        """
        check_is_fitted(self)
        series = self._series(X, self.window)
        ahead = self._future(future, len(series)) if len(self.known_) else self._nothing(future, len(series))
        extended = []
        for past, known in zip(series, ahead, strict=True):
            rows = np.zeros((self.horizon, past.shape[1]))
            rows[:, self.known_] = known
            extended.append(np.concatenate([past[-self.window :], rows]))
        forecasts = self._forecasts(self._windows(extended)[0])
        return forecasts if several(X) else forecasts[0]

    def score(self, X: Any, y: Any = None) -> float:
        """Measure the forecasts from every window of series.

        Parameters
        ----------
        X : array_like, frame, or list of these
            One series or several, as in `fit`.
        y : None
            Has no effect.

        Returns
        -------
        float
            R^2, averaged over steps of the horizon and targets.
        """
        check_is_fitted(self)
        x, y = self._windows(self._series(X, self.window + self.horizon))
        flat = lambda a: a.reshape(len(a), -1)  # noqa: E731
        return float(r2_score(flat(self._unscaled(y)), flat(self._forecasts(x))))

    def _forecasts(self, x):
        outputs = self.model_.predict(x, self.batch_size).astype(np.float64)
        return self._unscaled(outputs.reshape(len(x), self.horizon, -1))

    def _unscaled(self, y):
        return y * self.scaler_.scale_[self.targets_] + self.scaler_.mean_[self.targets_]

    def _windows(self, series):
        """Return all windows (windows, window, features) of scaled series, and what follows (..., horizon, targets)."""
        x, y = [], []
        for one in map(self.scaler_.transform, series):
            ahead = sliding_window_view(one[1:, self.known_], self.horizon, axis=0).reshape(len(one) - self.horizon, -1)
            inputs = np.concatenate([one[: -self.horizon], ahead], axis=1).astype(np.float32)
            x.append(sliding_window_view(inputs, self.window, axis=0).swapaxes(1, 2))
            y.append(sliding_window_view(one[self.window :, self.targets_], self.horizon, axis=0).swapaxes(1, 2))
        return np.concatenate(x), np.concatenate(y).astype(np.float32)

    def _series(self, X, steps, reset=False):
        """Return a list of series (steps, columns), each of at least so many steps."""
        series = []
        for i, one in enumerate(X if several(X) else [X]):
            one = np.reshape(one, (-1, 1)) if np.ndim(one) == 1 else one
            found = validate_data(self, one, reset=reset and i == 0, dtype=np.float64)
            if len(found) < steps:
                got = f"{len(found)} in number {i}"
                raise InputError(f"RNNForecaster: expected series of at least {steps} steps, got {got}")
            series.append(found)
        if not series:
            raise InputError("RNNForecaster: expected at least one series, got none")
        return series

    def _columns(self, what, given):
        """Return the numbers of columns that are given by name, or by number for an array."""
        names = list(getattr(self, "feature_names_in_", range(self.n_features_in_)))
        listed = np.iterable(given) and not isinstance(given, str)
        if not listed or any(column not in names for column in given) or len(set(given)) < len(given):
            raise InputError(f"RNNForecaster: expected {what} to be a list of columns out of {names}, got {given!r}")
        return np.array([names.index(column) for column in given], int)

    def _future(self, future, count):
        """Return the known covariates (count, horizon, known columns) of the next steps."""
        names = getattr(self, "feature_names_in_", np.arange(self.n_features_in_))[self.known_]
        given = [f[list(names)] if hasattr(f, "columns") else f for f in (future if several(future) else [future])]
        expected = (count, self.horizon, len(self.known_))
        if future is None or any(np.shape(f) != expected[1:] for f in given) or len(given) != count:
            shapes = "None" if future is None else f"shapes {[np.shape(f) for f in given]}"
            raise InputError(f"RNNForecaster: expected future of shape {expected[1:]} for each series, got {shapes}")
        return [check_array(f, dtype=np.float64, input_name="future") for f in given]

    def _nothing(self, future, count):
        if future is not None:
            raise InputError("RNNForecaster: expected no future, since no columns are known, got one")
        return np.zeros((count, self.horizon, 0))


def several(X: Any) -> bool:
    """Say whether this is several series: an array of three axes, or a list of arrays or frames."""
    return getattr(X, "ndim", 0) == 3 or is_list_of_arrays(X)
