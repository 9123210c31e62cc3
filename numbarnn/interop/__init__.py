"""Weights from and to other libraries; each is imported only where its own objects or files are read or made.

`table.TABLE` has a row for each cell with a counterpart, and `docs/interop.md` shows it.
"""

from .pytorch import from_torch, load_torch, save_safetensors, to_torch

__all__ = [
    "from_torch",
    "load_torch",
    "save_safetensors",
    "to_torch",
]


def __dir__():
    return __all__
