"""Sunspots: three centuries of the Sun's activity."""

from __future__ import annotations

from os import PathLike

import numpy as np

from ..errors import InputError
from .files import find_folder, read_text, reading

FILE = "sunspots.csv"
YEARS = np.arange(1700, 2009)


def sunspots(folder: str | PathLike[str] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Load the numbers of sunspots in each year from 1700 to 2008.

    Parameters
    ----------
    folder : str or path, optional
        Folder of the file `sunspots.csv` (a line of names, then lines of year,number), or the folder above it if it is
        called `timeseries`. By default the folder that the environment variable NUMBARNN_DATA names; see
        `numbarnn.datasets`.

    Returns
    -------
    years : array (309,)
        Years, int64.
    numbers : array (309,)
        Numbers of sunspots, float64.

    Raises
    ------
    InputError
        No file was found, or it is damaged.

    References
    ----------
    National Geophysical Data Center, in the public domain; as distributed with statsmodels.
    """
    what = "sunspots.csv as statsmodels has it"
    path = find_folder("sunspots", "timeseries", (FILE,), folder, what) / FILE
    with reading("sunspots", path):
        text = read_text("sunspots", path, most=20_000)
        try:
            rows = [line.split(",") for line in text.splitlines()[1:]]
            years, numbers = (np.array(column, float) for column in zip(*rows, strict=True))
        except ValueError as error:
            raise InputError(f"sunspots: {path}: expected lines of year,number: {error}") from error
    if not np.array_equal(years, YEARS) or not text.endswith("\n"):
        raise InputError(f"sunspots: {path}: expected a whole line for each year from 1700 to 2008")
    if not (numbers >= 0).all() or np.isinf(numbers).any():
        raise InputError(f"sunspots: {path}: expected finite numbers of at least 0")
    return years.astype(np.int64), numbers
