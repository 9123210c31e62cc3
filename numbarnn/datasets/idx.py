"""The idx file format of the MNIST database: a big-endian header, then unsigned bytes."""

from __future__ import annotations

import gzip
import math
from os import PathLike
from pathlib import Path

import numpy as np

from ..errors import InputError
from .files import reading

UNSIGNED_BYTES = 0x08


def read_idx(path: str | PathLike[str], ndim: int, most: int) -> np.ndarray:
    """Read an idx file of unsigned bytes, or the same file with `.gz` at the end of its name.

    The header is two zero bytes, the type code 8, the number of axes, and a 32-bit big-endian size for each axis.

    Parameters
    ----------
    path : str or path
        The file.
    ndim : int
        Number of axes.
    most : int
        Largest number of values. The file may announce more, or hold more than it announces, and uncompress to a
        thousand times its size: no more are read.

    Returns
    -------
    array
        Values with `ndim` axes, uint8.

    Raises
    ------
    InputError
        The file is missing, damaged, cut off, too long, of more than `most` values, or of another type or number of
        axes.
    """
    path = Path(path)
    if not path.is_file():
        path = path.with_name(f"{path.name}.gz")
    with reading("read_idx", path), (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        sizes = _read_header(file, path, ndim)
        # one more: the end of the file comes with its checksum
        values = file.read(min(math.prod(sizes), most) + 1)
    if len(values) > most:
        raise InputError(f"read_idx: {path}: expected at most {most} values, got more")
    if len(values) != math.prod(sizes):
        raise InputError(f"read_idx: {path}: expected {math.prod(sizes)} values of shape {sizes}, got {len(values)}")
    return np.frombuffer(values, np.uint8).reshape(sizes)


def _read_header(file, path, ndim):
    magic = file.read(4)
    if magic != bytes((0, 0, UNSIGNED_BYTES, ndim)):
        raise InputError(
            f"read_idx: {path}: expected an idx file of unsigned bytes with {ndim} axes "
            f"(first bytes 00 00 08 {ndim:02x}), got {magic.hex(' ') or 'an empty file'}"
        )
    sizes = file.read(4 * ndim)
    if len(sizes) != 4 * ndim:
        raise InputError(f"read_idx: {path}: the header ends after {4 + len(sizes)} of {4 + 4 * ndim} bytes")
    return tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
