"""Sunspots: three centuries of the Sun's activity."""

import numpy as np

from ..errors import InputError
from .files import find_file, read_text


def sunspots(folder=None):
    """Sunspots counted in each year from 1700 to 2008.

    The file `sunspots.csv` (a line of names, then lines of year,number) lies in `folder` or in its subfolder
    `timeseries`; without `folder`: see `numbarnn.datasets`.

    Returns
    -------
    years, numbers : (309,) int64, (309,) float64

    Raises
    ------
    InputError : no file found, or one that is not what it should be

    Source: National Geophysical Data Center, in the public domain; as distributed with statsmodels.
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
