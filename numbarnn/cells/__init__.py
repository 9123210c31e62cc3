"""The cells, one file each: a file dropped into this folder is found, no list needs an entry."""

from importlib import import_module
from pkgutil import iter_modules

from .base import Cell

CELLS = {}  # name: class
for _module in iter_modules(__path__, __name__ + "."):
    for _value in vars(import_module(_module.name)).values():
        if (
            isinstance(_value, type)
            and issubclass(_value, Cell)
            and _value.__module__ == _module.name != Cell.__module__
        ):
            CELLS[_value.__name__] = _value

globals().update(CELLS)
BasicRNNCell = CELLS["SimpleRNNCell"]  # TensorFlow 1's name
__all__ = ["CELLS", "BasicRNNCell", "Cell", *CELLS]
