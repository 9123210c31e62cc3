"""Weights from and to other libraries; each is imported only where its own objects or files are read or made.

`table.TABLE` has a row for each cell with a counterpart, and `docs/interop.md` shows it.
"""

from .keras import from_keras, load_keras, save_keras_weights, to_keras
from .onnx import from_onnx, load_onnx, save_onnx, to_onnx
from .pytorch import from_torch, load_torch, save_safetensors, to_torch
from .tensorflow1 import from_tensorflow1, to_tensorflow1

__all__ = [
    "from_keras",
    "from_onnx",
    "from_tensorflow1",
    "from_torch",
    "load_keras",
    "load_onnx",
    "load_torch",
    "save_keras_weights",
    "save_onnx",
    "save_safetensors",
    "to_keras",
    "to_onnx",
    "to_tensorflow1",
    "to_torch",
]


def __dir__():
    return __all__
