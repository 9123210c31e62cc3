"""Callbacks: what happens between the epochs of `Sequential.fit`."""

from .base import Callback, Callbacks
from .csv_logger import CSVLogger
from .early_stopping import EarlyStopping
from .learning_rate import LearningRateScheduler, ReduceLROnPlateau
from .model_checkpoint import ModelCheckpoint
from .tensorboard import TensorBoard

__all__ = [
    "CSVLogger",
    "Callback",
    "Callbacks",
    "EarlyStopping",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TensorBoard",
]


def __dir__():
    return __all__
