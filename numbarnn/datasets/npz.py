"""Arrays of npz files, read only as far as their headers, the files and the reader agree."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

# what NumPy writes; others uncompress in one large piece
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_arrays(path: Path, arrays: Mapping[str, tuple[type, int]], ndim: int) -> dict[str, np.ndarray]:
    """Read arrays of `ndim` axes from an npz file.

    `arrays` gives for each name the dtype and the largest number of values; no more are read or allocated, however many
    the file announces or holds. Raises `ValueError`, and what `zipfile` raises.
    """
    with zipfile.ZipFile(path) as archive:
        return {name: _read(archive, name, np.dtype(dtype), most, ndim) for name, (dtype, most) in arrays.items()}


def _read(archive, name, dtype, most, ndim):
    if archive.getinfo(f"{name}.npy").compress_type not in METHODS:
        raise ValueError(f"{name} is compressed by a method that NumPy does not write")
    with archive.open(f"{name}.npy") as file:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise ValueError(f"expected {name} in version 1.0 of the npy format, got {version}")
        shape, in_columns, found = np.lib.format.read_array_header_1_0(file)
        if found != dtype or len(shape) != ndim or in_columns or not 0 <= math.prod(shape) <= most:
            raise ValueError(
                f"expected {name} of {ndim} axes, {dtype} and at most {most} values, got {found} of shape {shape}"
            )
        size = math.prod(shape) * dtype.itemsize
        # one more: the end of the file comes with its checksum
        values = file.read(size + 1)
    if len(values) != size:
        raise ValueError(f"expected {size} bytes of {name}, got {len(values)}")
    # a writeable one
    return np.frombuffer(values, dtype).reshape(shape).copy()
