"""Sunspots: three centuries of the Sun's activity."""

from __future__ import annotations

from os import PathLike

import numpy as np

from ..errors import InputError
from .files import find_file, read_text


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
    path = find_file("sunspots", "timeseries", ("sunspots.csv",), folder, "sunspots.csv as statsmodels has it")
    try:
        rows = [line.split(",") for line in read_text("sunspots", path).splitlines()[1:]]
        years, numbers = (np.array(column, float) for column in zip(*rows, strict=True))
    except ValueError as error:
        raise InputError(f"sunspots: {path}: expected lines of year,number: {error}") from error
    if (np.diff(years) != 1).any():
        raise InputError(f"sunspots: {path}: expected one line for each year, one after another")
    return years.astype(np.int64), numbers
