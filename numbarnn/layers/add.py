"""The sum of several inputs."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..utils.docs import inherit_parameters
from ..utils.types import Seed
from .merge import Merge, summed_to


@inherit_parameters
@dataclass(eq=False, repr=False)
class Add(Merge):
    """Add several inputs, as in ``Add()([x, y])``."""

    def forward(self, x: Any, training: bool = False, rng: Seed | None = None, mask: Any = None) -> tuple[Any, Any]:
        first, *others = x
        return sum(others, start=first), [part.shape for part in x]

    def backward(self, saved: Any, d_output: Any) -> tuple[Any, dict[str, np.ndarray]]:
        return [summed_to(shape, d_output) for shape in saved], {}
