"""Files of Keras 3: weights in HDF5, one group of numbered arrays for each layer and cell.

A layer is called by its class, with a number if there are several: "layers/lstm_1/cell/vars/0".
"""

import io
import zipfile
from os import PathLike
from typing import Any

import numpy as np

from ..errors import InputError
from ..runtime.whole_file import whole_file
from .models import Piece, numbered

OF_RANDOM_NUMBERS = "seed_generator"


def folders(model: Any, held: list[Piece]) -> list[str]:
    """Return for each piece of a model the group in a file that holds its weights."""
    names = dict(zip(model.layers, numbered(layer.default_name() for layer in model.layers), strict=True))
    return [f"layers/{names[piece.layer]}/{piece.path}vars" for piece in held]


def read_weights(caller: str, path: str | PathLike[str], places: set[str], largest: int) -> dict[str, list[np.ndarray]]:
    """Read the arrays of a file, {group: arrays}, or raise `InputError`.

    The file must have just these groups. No array may have more numbers than ``largest``: a small file can announce
    any size.
    """
    h5py = _library("load_keras")
    with open(path, "rb") as file:
        data = file.read()
    try:
        if zipfile.is_zipfile(io.BytesIO(data)):  # .keras
            data = _member(data, "model.weights.h5")
        with h5py.File(io.BytesIO(data)) as archive:
            found = _groups(h5py, archive, largest)
    except Exception as error:  # a damaged file makes h5py raise nearly anything
        raise InputError(f"{caller}: not a file of Keras 3 that can be read ({error})") from error
    for place in sorted(places - found.keys()):
        got = ", ".join(sorted(found)) or "none"
        raise InputError(f"{caller}: expected weights in {place}, got {got}")
    for place in sorted(found.keys() - places):
        raise InputError(f"{caller}: expected the weights of this model alone, got some in {place}")
    return found


def write_weights(path: str | PathLike[str], groups: dict[str, list[np.ndarray]]) -> None:
    """Write arrays to a file, whole or not at all."""
    h5py, data = _library("save_keras_weights"), io.BytesIO()
    with h5py.File(data, "w") as archive:
        archive.create_group("vars")
        for place, arrays in groups.items():
            group = archive.create_group(place)
            for i, array in enumerate(arrays):
                group[str(i)] = array
    with whole_file(path) as file:
        file.write(data.getvalue())


def _member(data, name):
    """Return a file of an archive; numbers are hardly compressed, and Keras does not compress them."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = archive.getinfo(name).file_size
        if size > 100 * len(data):
            raise ValueError(f"{name} of {size} bytes in an archive of {len(data)}")
        return archive.read(name)


def _groups(h5py, archive, largest):
    """Return all arrays but those of optimizers and random numbers, {group: arrays in the order of their numbers}."""
    found: dict[str, dict[int, np.ndarray]] = {}

    def visit(name, item):
        folder, _, number = name.rpartition("/")
        kept = not folder.startswith("optimizer/") and OF_RANDOM_NUMBERS not in folder.split("/")
        if isinstance(item, h5py.Dataset) and kept:
            if (item.size or 0) > largest:
                raise ValueError(f"expected at most {largest} numbers in {name}, got {item.size}")
            found.setdefault(folder, {})[int(number)] = item[()]

    archive.visititems(visit)
    return {folder: [arrays[i] for i in sorted(arrays)] for folder, arrays in found.items()}


def _library(caller):
    try:
        import h5py  # pyright: ignore[reportMissingImports]  # an extra
    except ImportError as error:
        raise ImportError(f"{caller} needs h5py for files of Keras: pip install 'numbarnn[keras-files]'") from error
    return h5py
