"""Layers for `Sequential`, one file each, under the names that Keras gave them."""

from .activation import Activation
from .base import Input, Layer
from .dense import Dense
from .dropout import Dropout
from .embedding import Embedding
from .recurrent import GRU, LSTM, SimpleRNN

__all__ = ["GRU", "LSTM", "Activation", "Dense", "Dropout", "Embedding", "Input", "Layer", "SimpleRNN"]
