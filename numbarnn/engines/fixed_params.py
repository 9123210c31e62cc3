"""Parameters that never change, so that what engines make of them can be kept."""

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np


class FixedParams(dict):
    """{name: array} of parameters that never change; the arrays become read-only.

    A dictionary made of it, such as ``params | {...}``, is an ordinary one again.
    """

    def __init__(self, params: dict[str, np.ndarray]):
        super().__init__(params)
        self._made = {}
        for array in params.values():
            array.flags.writeable = False

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return what ``make()`` returned when the key was asked for first."""
        try:
            return self._made[key]
        except KeyError:
            return self._made.setdefault(key, make())

    def __reduce__(self):
        return FixedParams, (dict(self),)


def snapshot(params: dict[str, np.ndarray]) -> FixedParams:
    """Copy parameters, so that nobody else can change them; fixed ones need no copy."""
    if isinstance(params, FixedParams):
        return params
    return FixedParams({name: np.array(array, order="C") for name, array in params.items()})
