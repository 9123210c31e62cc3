"""Several inputs side by side."""

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from ..utils.docs import inherit_parameters
from ..utils.types import Seed, Shape
from .merge import Merge


@inherit_parameters
@dataclass(eq=False, repr=False)
class Concatenate(Merge):
    """Put several inputs side by side, as in ``Concatenate()([x, y])``.

    Parameters
    ----------
    axis : int, default -1
        The axis along which they follow each other, not that of the batch.

    Notes
    -----
    Inputs: a list of floats (batch, ...) of one shape but for this axis. Output: (batch, ...). Along the last axis the
    output counts where any input does, and an input without a mask counts everywhere; along the axis of the steps the
    masks follow each other.
    """

    axis: int = -1
    _: KW_ONLY

    def __post_init__(self):
        super().__post_init__()
        self._expect(self.axis != 0, "an axis other than that of the batch", "axis 0")

    def compute_output_shape(self, input_shape: Shape) -> Any:
        self._expect_inputs_of_one_rank(input_shape)
        axes = [*zip(*input_shape, strict=True)]
        good = -len(axes) < self.axis < len(axes)
        self._expect(good, f"an axis from {1 - len(axes)} to {len(axes) - 1}, and not 0", f"axis {self.axis}")
        joined = self.axis % len(axes)
        for i, sizes in enumerate(axes):
            known = {*sizes} - {None}
            self._expect(
                i == joined or len(known) < 2,
                f"inputs of one shape but for axis {joined}",
                ", ".join(map(str, input_shape)),
            )
        sizes = [next((n for n in sizes if n is not None), None) for sizes in axes]
        sizes[joined] = None if None in axes[joined] else sum(axes[joined])
        return tuple(sizes)

    def forward(self, x: Any, training: bool = False, rng: Seed | None = None, mask: Any = None) -> tuple[Any, Any]:
        return np.concatenate(x, axis=self.axis), [part.shape[self.axis] for part in x]

    def backward(self, saved: Any, d_output: Any) -> tuple[Any, dict[str, np.ndarray]]:
        return np.split(d_output, np.cumsum(saved)[:-1], axis=self.axis), {}

    def compute_mask(self, x: Any, mask: Any = None) -> np.ndarray | None:
        if mask is None or all(part is None for part in mask):
            return None
        # a mask has fewer axes than its input: each is repeated over the others, as in Keras
        whole = [_repeated(part, array) for part, array in zip(mask, x, strict=True)]
        return np.asarray(np.concatenate(whole, axis=self.axis).any(axis=-1))


def _repeated(mask, x):
    """Return a mask of the shape of its input; None: all of it counts."""
    mask = np.ones((), bool) if mask is None else mask.reshape(*mask.shape, *[1] * (x.ndim - mask.ndim))
    return np.broadcast_to(mask, x.shape)
