"""Files of safetensors: arrays by name, without pickle; the names are PyTorch's.

The format has no checksum. Files that are written here carry one, "sha256" in their metadata, which is checked when
they are read; files of others are read without.
"""

import hashlib
import json
from collections.abc import Mapping
from os import PathLike
from typing import Any

from ..errors import InputError
from ..runtime.whole_file import whole_file
from ..utils.types import Arrays

CHECKSUM = "sha256"


def read_safetensors(path: str | PathLike[str]) -> Arrays:
    """Read the arrays of a file, or raise `InputError` if it is damaged or foreign."""
    library = _library("reading a file of safetensors")
    with open(path, "rb") as file:
        data = file.read()
    try:
        arrays = library.load(data)
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
        if metadata.get(CHECKSUM, _digest(arrays)) != _digest(arrays):
            raise ValueError("its arrays have changed since they were written")
    except Exception as error:  # its own error, and others for dtypes that NumPy lacks
        other = "; torch.load reads files of torch.save" if data.startswith(b"PK") else ""
        raise InputError(f"{path}: not a file of safetensors that can be read ({error}){other}") from error
    return arrays


def write_safetensors(path: str | PathLike[str], arrays: Mapping[str, Any]) -> None:
    """Write arrays to a file, whole or not at all."""
    data = _library("save_safetensors").save(dict(arrays), metadata={CHECKSUM: _digest(arrays)})
    with whole_file(path) as file:
        file.write(data)


def _digest(arrays):
    """Compute the checksum of arrays with their names, shapes and dtypes."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
    return digest.hexdigest()


def _library(caller):
    try:
        import safetensors.numpy as library  # pyright: ignore[reportMissingImports]  # an extra
    except ImportError as error:
        raise ImportError(f"{caller} needs safetensors: pip install 'numbarnn[safetensors]'") from error
    return library
