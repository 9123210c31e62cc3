"""What the layers that make one array of several have in common."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..utils.docs import inherit_parameters
from ..utils.types import Shape
from .base import Layer


@inherit_parameters
@dataclass(eq=False, repr=False)
class Merge(Layer):
    """Base class of layers that compute one array of several, unit by unit; subclasses define forward and backward.

    Notes
    -----
    Inputs: a list of floats (batch, ...) with as many axes each; a size of 1 behind the batch is repeated to that of
    the others. Output: (batch, ...). The output counts where any input does; without a mask of one of them all of it
    counts.
    """

    takes_several = True

    def compute_output_shape(self, input_shape: Shape) -> Any:
        self._expect_inputs_of_one_rank(input_shape)
        return tuple(self._size_of(sizes, input_shape) for sizes in zip(*input_shape, strict=True))

    def compute_mask(self, x: Any, mask: Any = None) -> np.ndarray | None:
        if mask is None or any(part is None for part in mask):
            return None
        return np.logical_or.reduce(mask)

    def _size_of(self, sizes, input_shape):
        """Return the size of an axis of the output."""
        known = {n for n in sizes if n not in (None, 1)}
        self._expect(len(known) <= 1, "inputs of one shape", ", ".join(map(str, input_shape)))
        return known.pop() if known else None if None in sizes else 1

    def _expect_inputs_of_one_rank(self, shapes):
        several = len(shapes) > 0 and all(isinstance(shape, tuple | list) for shape in shapes)
        self._expect(several, "a list of inputs", f"one of shape {shapes}")
        ranks = {len(shape) for shape in shapes}
        self._expect(len(ranks) == 1, "inputs with as many axes each", ", ".join(map(str, shapes)))
        self._expect(ranks.pop() > 1, "inputs of shape (batch, features) or more axes", ", ".join(map(str, shapes)))


def summed_to(shape: Shape, gradient: np.ndarray) -> np.ndarray:
    """Sum a gradient over the axes along which an array of this shape was repeated."""
    repeated = tuple(i for i, (n, m) in enumerate(zip(shape, gradient.shape, strict=True)) if n == 1 < m)
    return gradient.sum(axis=repeated, keepdims=True) if repeated else gradient
