"""Weight files: npz without pickle, with a JSON header that names every array and its SHA-256.

A file is written whole or not at all, and read whole or not at all: a truncated, altered or foreign file is an
`InputError`. ``numpy.load`` reads it too; the header is the array of bytes called "header".
"""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .errors import InputError
from .runtime.whole_file import whole_file

FORMAT = "numbarnn weights"
VERSION = 1
# how files of other programs start
MAGIC = {
    b"\x89HDF": "an HDF5 file: nr.interop.load_keras reads weights of Keras 3",
    b"\x93NUMPY": "one array: numpy.load reads it",
    b"\x80": "a pickle, which may run any code: nothing here reads it",
    b"\x08": "a protocol buffer, such as an ONNX model, which nr.interop.load_onnx reads",
}


def save(path: str | PathLike[str], arrays: Mapping[str, ArrayLike], facts: Any = None) -> None:
    """Write arrays to a file; an existing file is replaced in one step.

    Parameters
    ----------
    path : str or path
        The file, usually "....npz".
    arrays : dict
        {name: array of any shape and dtype but object}.
    facts : object, optional
        Anything that JSON can hold, to be kept in the file's header.

    Raises
    ------
    InputError
        An array holds Python objects; nothing is written then.
    """
    saved: dict[str, Any] = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    for name, array in saved.items():
        if array.dtype.hasobject:
            raise InputError(f"{path}: expected arrays of numbers, got {name} of dtype {array.dtype}")
    described = {name: _describe(array) for name, array in saved.items()}
    header = {"format": FORMAT, "version": VERSION, "arrays": described}
    header |= {} if facts is None else {"facts": facts}
    encoded = np.frombuffer(json.dumps(header).encode(), np.uint8)
    with whole_file(path) as file:
        np.savez(file, header=encoded, **saved)


def load(path: str | PathLike[str]) -> dict[str, np.ndarray]:
    """Read the arrays of a file that `save` wrote.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    dict
        {name: array}, of the shapes and dtypes that were saved.

    Raises
    ------
    InputError
        The file is truncated, altered or foreign.
    """
    return load_with_facts(path)[0]


def load_with_facts(path: str | PathLike[str]) -> tuple[dict[str, np.ndarray], Any]:
    """Read the arrays and the facts of a file that `save` wrote.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    arrays : dict
        {name: array}, of the shapes and dtypes that were saved.
    facts : object
        What was saved as ``facts``, or None.

    Raises
    ------
    InputError
        The file is truncated, altered or foreign.
    """
    with open(path, "rb") as file:
        try:
            return _read(file)
        except Exception as error:  # a damaged file makes the readers of zip, npy and JSON raise nearly anything
            kind = _foreign(file)
            got = f": it is {kind}" if kind else f" ({error})"
            raise InputError(f"{path}: not a whole and unchanged file of numbarnn weights{got}") from error


def _foreign(file):
    """Say what a file of another program is, and what reads it; None if it is not known, or a damaged one of ours."""
    file.seek(0)
    start = file.read(9)
    # the length of a header in JSON, and its start
    if start[5:] == b"\0\0\0{":
        return "a file of safetensors: nr.interop.load_torch reads it"
    for magic, kind in MAGIC.items():
        if start.startswith(magic):
            return kind
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except Exception:  # not a zip file, or a damaged one
        return None
    if "header.npy" in names:
        return None
    if any(name.endswith("data.pkl") for name in names):
        return "a file of torch.save: nr.interop.load_torch reads what torch.load makes of it"
    if any(name.endswith(".h5") for name in names):
        return "a model of Keras 3: nr.interop.load_keras reads it"
    return "other arrays of numpy.savez: numpy.load reads it" if all(n.endswith(".npy") for n in names) else None


def _check_sizes(file):
    """Raise `ValueError` unless each array is as large in the file as its header says: no more is ever allocated."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{info.filename} is compressed")
            with archive.open(info) as member:
                shape, _, dtype = readers[np.lib.format.read_magic(member)](member)
                if math.prod(shape) * dtype.itemsize != info.file_size - member.tell():
                    raise ValueError(f"{info.filename} holds another number of bytes than its header says")
    file.seek(0)


def _read(file):
    _check_sizes(file)
    with np.load(file, allow_pickle=False) as archive:
        header = json.loads(archive["header"].tobytes())
        if (header["format"], header["version"]) != (FORMAT, VERSION):
            raise ValueError(f"expected {FORMAT!r} version {VERSION}, got {header['format']!r} {header['version']!r}")
        arrays = {name: archive[name] for name in archive.files if name != "header"}
    if {name: _describe(array) for name, array in arrays.items()} != header["arrays"]:
        raise ValueError("its arrays are not those that the header describes")
    return arrays, header.get("facts")


def _describe(array):
    digest = hashlib.sha256(array.tobytes()).hexdigest()
    return {"shape": list(array.shape), "dtype": array.dtype.str, "sha256": digest}


__all__ = ["load", "load_with_facts", "save"]


def __dir__():
    return __all__
