"""Cells made of other cells, one file each: a file dropped into this folder is found, no list needs an entry."""

from importlib import import_module
from pkgutil import iter_modules

from ..cells.rnn_cell import RNNCell

WRAPPERS = {}  # name: class
for _module in iter_modules(__path__, __name__ + "."):
    for _name, _value in vars(import_module(_module.name)).items():
        here = isinstance(_value, type) and issubclass(_value, RNNCell) and _value.__module__ == _module.name
        if here and not _name.startswith("_") and not _module.name.endswith(".base"):
            WRAPPERS[_name] = _value

globals().update(WRAPPERS)
__all__ = ["WRAPPERS", *WRAPPERS]
