"""A layer applied to every step alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..runtime.planned_memory import PlannedMemory
from ..utils.docs import inherit_parameters
from ..utils.types import Seed, Shape
from .base import Layer
from .batch_normalization import BatchNormalization
from .stateless import is_recurrent
from .wrapper import Wrapper


@inherit_parameters
@dataclass(eq=False, repr=False)
class TimeDistributed(Wrapper):
    """Apply a layer to every step, as if each were a sample.

    Parameters
    ----------
    layer : Layer
        The layer, such as ``Dense(10)``.

    Notes
    -----
    Input: (batch, steps, ...). Output: (batch, steps, ...), with the layer's output at each step. Weights are the
    layer's. Of a mask (batch, steps, ...) the layer gets the part at each step, (batch, ...), except that a recurrent
    layer gets no mask without steps of its own. A mask with more axes than two passes on as one of steps, each valid if
    anything in it is.
    """

    layer: Layer

    def __post_init__(self):
        super().__post_init__()
        self._take_in(**{"": self.layer})
        self._expect(self.layer.has_one_output, "a layer with one output", f"{self.layer.name} with several")
        stateful = getattr(self.layer, "stateful", False)
        normalizes = isinstance(self.layer, BatchNormalization)
        self._expect(
            not normalizes, "a layer other than BatchNormalization, which takes sequences itself", self.layer.name
        )
        self._expect(not stateful, "a layer that is not stateful", f"{self.layer.name} with stateful=True")
        self._expect(self.layer.activity_regularizer is None, "activity_regularizer on itself", "one on its layer")

    @property
    def takes_integers(self) -> bool:
        """Whether the inputs are integers."""
        return self.layer.takes_integers

    @property
    def last_activation(self) -> str | None:
        return self.layer.last_activation

    def compute_output_shape(self, input_shape: Shape) -> Any:
        batch, steps, *rest = self._expect_steps(input_shape)
        return (batch, steps, *self.layer.compute_output_shape((batch, *rest))[1:])

    def init_params(self, input_shape: Shape, rng: np.random.Generator, dtype: "DTypeLike") -> dict[str, np.ndarray]:
        return self._build_parts((None, *input_shape[2:]), rng, dtype)

    def forward(
        self, x: Any, training: bool = False, rng: Seed | None = None, mask: np.ndarray | None = None
    ) -> tuple[Any, Any]:
        self._expect_steps(x.shape)
        none = mask is None or mask.ndim < 2 or (mask.ndim == 2 and is_recurrent(self.layer))
        inner_mask = None if none else _merged(mask)
        y, saved = self.layer.forward(_merged(x), training, rng, inner_mask)
        return y.reshape(*x.shape[:2], *y.shape[1:]), (saved, x.shape[:2])

    def pre_activation(self, saved: Any) -> np.ndarray:
        """Return that of the layer at all steps; a loss may start there, and `backward` with it."""
        inner, leading = saved
        z = self.layer.pre_activation(inner)
        return z.reshape(*leading, *z.shape[1:])

    def backward(self, saved: Any, d_output: Any, **options: Any) -> tuple[Any, dict[str, np.ndarray]]:
        inner, leading = saved
        d_x, grads = self.layer.backward(inner, _merged(d_output), **options)
        return (None if d_x is None else d_x.reshape(*leading, *d_x.shape[1:])), grads

    def plan_memory(self, memory: PlannedMemory, x: Any) -> tuple[Any, Callable[..., Any]]:
        batch, steps, *features = x.shape
        merged = x._replace(shape=(batch * steps, *features), time_major=False)
        if x.time_major:
            merged = merged._replace(held=x.hold(memory, "inputs"))
            memory.release(x.held)
        output, backward = self.layer.plan_memory(memory, merged)
        return output._replace(shape=(batch, steps, *output.shape[1:]), masked=x.masked), backward

    def compute_mask(self, x: Any, mask: np.ndarray | None = None) -> np.ndarray | None:
        return mask if mask is None or mask.ndim < 3 else np.asarray(mask.any(axis=tuple(range(2, mask.ndim))))

    def _expect_steps(self, shape):
        self._expect(len(shape) >= 2 + (not self.takes_integers), "inputs of shape (batch, steps, ...)", shape)
        return shape


def _merged(array):
    """Make batch and steps one axis."""
    return array.reshape(array.shape[0] * array.shape[1], *array.shape[2:])
