"""Weight files: npz without pickle, with a JSON header that names every array and its SHA-256.

A file is written whole or not at all, and read whole or not at all: a truncated, altered or foreign file is an
`InputError`. ``numpy.load`` reads it too; the header is the array of bytes called "header".
"""

import hashlib
import json

import numpy as np

from .errors import InputError
from .utils.files import whole_file

FORMAT = "numbarnn weights"
VERSION = 1


def save(path, arrays, facts=None):
    """Write ``arrays``, {name: array}, to the file ``path``; an existing file is replaced in one step.

    ``facts``, anything that JSON can hold, stand in its header.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    header = {"format": FORMAT, "version": VERSION, "arrays": {name: _describe(a) for name, a in arrays.items()}}
    header |= {} if facts is None else {"facts": facts}
    header = np.frombuffer(json.dumps(header).encode(), np.uint8)
    with whole_file(path) as file:
        np.savez(file, header=header, **arrays)


def load(path):
    """Read a file that `save` wrote: {name: array}."""
    return load_with_facts(path)[0]


def load_with_facts(path):
    """The arrays of a file that `save` wrote, and its facts or None."""
    with open(path, "rb") as file:
        try:
            return _read(file)
        except Exception as error:  # a damaged file makes the readers of zip, npy and JSON raise nearly anything
            raise InputError(f"{path}: not a whole and unchanged file of numbarnn weights ({error})") from error


def _read(file):
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
