"""The labels of a model's inputs, as one array."""

from typing import Any

import numpy as np

from ..errors import InputError
from ..utils.padded import Padded, array_or_padded, described


def labels_of(caller: str, x: Any, y: Any) -> np.ndarray:
    """Return labels as an array with a row for each input; labels of single steps are as long as the sequences."""
    found = array_or_padded(caller, "labels", y)
    values = found.values if isinstance(found, Padded) else found
    if values.ndim == 0:
        raise InputError(f"{caller}: expected as many labels as samples, {len(x)}, got {described(y, values)}")
    if len(values) != len(x):
        raise InputError(f"{caller}: expected as many labels as samples, {len(x)}, got labels of shape {values.shape}")
    if isinstance(found, Padded):
        lengths = x.lengths if isinstance(x, Padded) else np.full(len(x), np.shape(x)[1])
        different = np.flatnonzero(found.lengths != lengths)
        if len(different):
            row = different[0]
            raise InputError(
                f"{caller}: expected labels as long as the inputs, {lengths[row]} steps in row {row}, got "
                f"{found.lengths[row]}"
            )
    return values
