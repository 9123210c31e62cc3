"""Layers for `Sequential`, one file each, under the names that Keras gave them."""

from ..wrappers import MultiRNNCell as StackedRNNCells
from .activation import Activation
from .add import Add
from .average import Average
from .base import Input, Layer
from .batch_normalization import BatchNormalization
from .bidirectional import Bidirectional
from .concatenate import Concatenate
from .dense import Dense
from .dropout import Dropout
from .embedding import Embedding
from .flatten import Flatten
from .gru import GRU
from .keras_cells import GRUCell, LSTMCell, SimpleRNNCell
from .lstm import LSTM
from .masking import Masking
from .multiply import Multiply
from .repeat_vector import RepeatVector
from .rnn import RNN
from .simple_rnn import SimpleRNN
from .time_distributed import TimeDistributed
from .vector_to_sequence import VectorToSequence

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "Add",
    "Average",
    "BatchNormalization",
    "Bidirectional",
    "Concatenate",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "Input",
    "LSTMCell",
    "Layer",
    "Masking",
    "Multiply",
    "RepeatVector",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
    "TimeDistributed",
    "VectorToSequence",
]


def __dir__():
    return __all__
