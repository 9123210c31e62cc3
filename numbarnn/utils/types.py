"""Types that signatures of several parts share."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

Arrays: TypeAlias = dict[str, np.ndarray]  # parameters, weights or gradients by name
ReadArrays: TypeAlias = Mapping[str, np.ndarray]
Seed: TypeAlias = int | np.random.Generator
Shape: TypeAlias = tuple[int | None, ...]  # None where a size is free
