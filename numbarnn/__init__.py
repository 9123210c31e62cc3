"""numbarnn: recurrent neural networks as Numba kernels, with every gradient proven."""

from importlib import import_module

from .cells import CELLS, BasicRNNCell
from .errors import InputError
from .sequence import Gradients, Run, forward
from .unroll import dynamic_rnn, static_rnn

__version__ = "0.1.0"
globals().update(CELLS)

MODULES = ("checkpoint", "datasets", "initializers", "layers", "losses", "metrics", "optimizers", "recipes")


def __getattr__(name):
    """The Keras face is imported when it is first used."""
    if name in MODULES:
        return import_module(f".{name}", __name__)
    if name == "Sequential":
        return import_module(".model", __name__).Sequential
    if name == "show_versions":
        return import_module(".versions", __name__).show_versions
    raise AttributeError(f"module 'numbarnn' has no attribute {name!r}")


__all__ = [
    "BasicRNNCell",
    "Gradients",
    "InputError",
    "Run",
    "Sequential",
    "dynamic_rnn",
    "forward",
    "show_versions",
    "static_rnn",
]
__all__ += list(CELLS)
