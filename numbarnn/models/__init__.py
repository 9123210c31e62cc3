"""Models: layers that are trained and used together."""

from ..utils.padded import Padded
from .encoder_decoder import EncoderDecoder
from .functional import Model
from .sequential import Sequential

__all__ = ["EncoderDecoder", "Model", "Padded", "Sequential"]


def __dir__():
    return __all__
