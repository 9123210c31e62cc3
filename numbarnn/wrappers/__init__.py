"""Wrappers: cells made of other cells, one file each."""

from ..cells.rnn_cell import RNNCell
from .bidirectional import Bidirectional
from .concatenated_state import ConcatenatedState
from .device import DeviceWrapper
from .drop_connect import DropConnectWrapper
from .dropout import DropoutWrapper
from .embedding import EmbeddingWrapper
from .highway import HighwayWrapper
from .input_projection import InputProjectionWrapper
from .multi_rnn import MultiRNNCell
from .output_projection import OutputProjectionWrapper
from .recurrent_dropout import RecurrentDropoutWrapper
from .residual import ResidualWrapper
from .zoneout import ZoneoutWrapper

__all__ = [
    "WRAPPERS",
    "Bidirectional",
    "ConcatenatedState",
    "DeviceWrapper",
    "DropConnectWrapper",
    "DropoutWrapper",
    "EmbeddingWrapper",
    "HighwayWrapper",
    "InputProjectionWrapper",
    "MultiRNNCell",
    "OutputProjectionWrapper",
    "RecurrentDropoutWrapper",
    "ResidualWrapper",
    "ZoneoutWrapper",
]

# name: class
WRAPPERS: dict[str, type[RNNCell]] = {name: globals()[name] for name in __all__[1:]}


def __dir__():
    return __all__
