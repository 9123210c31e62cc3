"""The cells, one file each: a file dropped into this folder is found, no list needs an entry.

Editors and type checkers read `__init__.pyi` instead; a test says which line a new cell needs there.
"""

from importlib import import_module
from pkgutil import iter_modules

from .base import Cell
from .lstm_block import LSTMBlockWrapper as LSTMBlockWrapper
from .rnn_cell import RNNCell

CELLS = {}  # plain cells, which the engines run, {name: class}
COMPOSITE_CELLS = {}  # cells with a way of their own through a sequence
for _found in iter_modules(__path__):
    if _found.name.startswith("_"):  # what several cells share
        continue
    _module = import_module(f"{__name__}.{_found.name}")
    for _name, _value in vars(_module).items():
        here = isinstance(_value, type) and issubclass(_value, RNNCell) and _value.__module__ == _module.__name__
        if here and _value not in (RNNCell, Cell) and not _name.startswith("_"):
            (CELLS if issubclass(_value, Cell) else COMPOSITE_CELLS)[_name] = _value

globals().update(CELLS | COMPOSITE_CELLS)
__all__ = sorted(["CELLS", "COMPOSITE_CELLS", "Cell", "LSTMBlockWrapper", *CELLS, *COMPOSITE_CELLS])


def __dir__():
    return __all__
