"""The labels of a model's inputs, as arrays."""

from typing import Any

import numpy as np

from ..errors import InputError
from ..utils.columns import Columns, by_name
from ..utils.padded import Padded, array_or_padded, described


def labels_for(caller: str, x: Any, y: Any, objectives: list[Any]) -> Any:
    """Return labels as an array, or those of several outputs as `Columns`, with None where an output has no loss."""
    if len(objectives) == 1:
        return labels_of(caller, x, y)
    with_loss = [objective.name for objective in objectives if objective.loss is not None]
    alone = len(with_loss) == 1 and not isinstance(y, dict | list | tuple)
    given = by_name(caller, "labels", [o.name for o in objectives], {with_loss[0]: y} if alone else y)
    parts = []
    for objective, labels in zip(objectives, given, strict=True):
        if (labels is None) != (objective.loss is None):
            expected = f"no labels of {objective.name}, which has no loss"
            expected = expected if objective.loss is None else f"labels of {objective.name}"
            raise InputError(f"{caller}: expected {expected}, got {'none' if labels is None else 'some'}")
        parts.append(None if labels is None else labels_of(caller, x, labels))
    return Columns(parts)


def labels_of(caller: str, x: Any, y: Any) -> np.ndarray:
    """Return labels as an array with a row for each input; labels of single steps are as long as the sequences."""
    found = array_or_padded(caller, "labels", y)
    values = found.values if isinstance(found, Padded) else found
    if values.ndim == 0:
        raise InputError(f"{caller}: expected as many labels as samples, {len(x)}, got {described(y, values)}")
    if len(values) != len(x):
        raise InputError(f"{caller}: expected as many labels as samples, {len(x)}, got labels of shape {values.shape}")
    if isinstance(found, Padded):
        lengths = [_lengths(part) for part in (x.parts if isinstance(x, Columns) else [x])]
        different = [np.flatnonzero(found.lengths != of_part) for of_part in lengths]
        if all(map(len, different)):
            row, lengths = different[0][0], lengths[0]
            raise InputError(
                f"{caller}: expected labels as long as the inputs, {lengths[row]} steps in row {row}, got "
                f"{found.lengths[row]}"
            )
    return values


def _lengths(x):
    """Return the number of steps in each row of inputs."""
    return x.lengths if isinstance(x, Padded) else np.full(len(x), np.shape(x)[1])
