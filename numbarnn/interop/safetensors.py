"""Files of safetensors: arrays by name, without pickle; the names are PyTorch's."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

from ..errors import InputError
from ..utils.files import whole_file
from ..utils.types import Arrays


def read_safetensors(path: str | PathLike[str]) -> Arrays:
    """Read the arrays of a file, or raise `InputError` if it is damaged or foreign."""
    reader = _library("reading a file of safetensors")
    with open(path, "rb") as file:
        data = file.read()
    try:
        return reader.load(data)
    except Exception as error:  # its own error, and others for dtypes that NumPy lacks
        raise InputError(f"{path}: not a file of safetensors that can be read ({error})") from error


def write_safetensors(path: str | PathLike[str], arrays: Mapping[str, Any]) -> None:
    """Write arrays to a file, whole or not at all."""
    data = _library("save_safetensors").save(dict(arrays))
    with whole_file(path) as file:
        file.write(data)


def _library(caller):
    try:
        import safetensors.numpy as library  # pyright: ignore[reportMissingImports]  # an extra
    except ImportError as error:
        raise ImportError(f"{caller} needs safetensors: pip install 'numbarnn[safetensors]'") from error
    return library
