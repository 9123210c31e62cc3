"""Where the files of data sets are looked for, and how their errors are reported."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from ..errors import InputError
from .download import kept


def find_folder(
    name: str, subfolder: str, files: Sequence[str], folder: str | os.PathLike[str] | None, what: str
) -> Path:
    """Find the folder that has `files`: the one that is given or its subfolder, else that of the user.

    Without `folder` it is the folder that NUMBARNN_DATA names. Files are downloaded only into the user's data folder,
    which is meant if there is no such variable. `name` is the loader's, `what` describes what to get; both are for the
    message of the `InputError`.
    """
    help = f"get {what}, and name their folder with `--data DIR`, `datasets.{name}(DIR)` or the environment variable"
    help += " NUMBARNN_DATA"
    base = folder or os.environ.get("NUMBARNN_DATA")
    if not base:
        return kept(name, subfolder, files, help)
    found = given_folder(base, subfolder, files)
    if found is None:
        base = Path(base)
        raise InputError(f"{name}: expected {files[0]} in {base} or {base / subfolder}, found none: {help}")
    return found


def given_folder(base: str | os.PathLike[str], subfolder: str, files: Sequence[str]) -> Path | None:
    """Find the first of `files`, perhaps unpacked, in the subfolder of a folder or in the folder itself."""
    base = Path(base).expanduser()
    for place in (base / subfolder, base):
        if (place / files[0]).is_file() or (place / files[0].removesuffix(".gz")).is_file():
            return place
    return None


@contextmanager
def reading(name: str, path: Path) -> Iterator[None]:
    """Turn any error into an `InputError` that names the loader and the file."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # a damaged file makes the readers of zip, gzip and JSON raise nearly anything
        raise InputError(f"{name}: cannot read {path}: {error or type(error).__name__}") from error


def read_text(name: str, path: Path, most: int) -> str:
    """Read the UTF-8 text in a file of at most `most` characters."""
    with reading(name, path), open(path, encoding="utf-8") as file:
        text = file.read(most + 1)
    if len(text) > most:
        raise InputError(f"{name}: {path}: expected at most {most:,} characters, got more")
    return text


def check_float(name: str, dtype: DTypeLike) -> np.dtype:
    """Check that cells compute with a dtype."""
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise InputError(f"{name}: expected dtype 'float32' or 'float64', got {dtype!r}")
    return np.dtype(dtype)
