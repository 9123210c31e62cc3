"""Estimators of scikit-learn, which is imported when the first of them is used."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .classifier import RNNClassifier as RNNClassifier
    from .forecaster import RNNForecaster as RNNForecaster
    from .regressor import RNNRegressor as RNNRegressor

NAMES = {"RNNClassifier": "classifier", "RNNForecaster": "forecaster", "RNNRegressor": "regressor"}

__all__ = ["RNNClassifier", "RNNForecaster", "RNNRegressor"]


def __getattr__(name):
    if name not in NAMES:
        raise AttributeError(f"module 'numbarnn.sklearn' has no attribute {name!r}")
    try:
        import sklearn  # noqa: F401  # an extra
    except ImportError as error:
        raise ImportError("nr.sklearn needs scikit-learn: pip install 'numbarnn[sklearn]'") from error
    return getattr(import_module(f".{NAMES[name]}", __name__), name)


def __dir__():
    return __all__
