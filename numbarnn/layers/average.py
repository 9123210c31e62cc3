"""The mean of several inputs."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..utils.docs import inherit_parameters
from ..utils.types import Seed
from .merge import Merge, summed_to


@inherit_parameters
@dataclass(eq=False, repr=False)
class Average(Merge):
    """Compute the mean of several inputs, as in ``Average()([x, y])``.

    Masked steps have their part in the mean, as in Keras.
    """

    def forward(self, x: Any, training: bool = False, rng: Seed | None = None, mask: Any = None) -> tuple[Any, Any]:
        first, *others = x
        return sum(others, start=first) / len(x), [part.shape for part in x]

    def backward(self, saved: Any, d_output: Any) -> tuple[Any, dict[str, np.ndarray]]:
        return [summed_to(shape, d_output / len(saved)) for shape in saved], {}
