"""Types that signatures of several parts share."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

Arrays: TypeAlias = dict[str, np.ndarray]  # parameters, weights or gradients by name
ReadArrays: TypeAlias = Mapping[str, np.ndarray]
Seed: TypeAlias = int | np.random.Generator
Shape: TypeAlias = tuple[Any, ...]  # sizes, None for a free one
