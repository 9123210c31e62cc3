"""From one vector to a sequence."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..runtime.planned_memory import PlannedMemory
from ..utils.docs import inherit_parameters
from ..utils.tree import tree_map
from ..utils.types import Seed, Shape
from .recurrent import Recurrent
from .states import added, as_list, at, from_list, place_of_output
from .wrapper import Wrapper

MODES = ("first", "repeat", "state")


@inherit_parameters
@dataclass(eq=False, repr=False)
class VectorToSequence(Wrapper):
    """Run a recurrent layer for some steps on one vector.

    Parameters
    ----------
    layer : Recurrent
        A recurrent layer such as ``LSTM(10, return_sequences=True)``.
    steps : int
        Number of steps.
    mode : {"first", "repeat", "state"}, default "first"
        What the vector is. "first": the input of the first step; zeros follow. "repeat": the input of every step.
        "state": the output before the first step, so as wide as the layer; all other states are zero, and every input
        is one zero.

    Notes
    -----
    Input: floats (batch, features). Output: that of the layer, (batch, units) or (batch, steps, units). Weights are the
    layer's. A mask ends here.
    """

    layer: Recurrent
    steps: int
    mode: str = "first"

    def __post_init__(self):
        super().__post_init__()
        self._expect(isinstance(self.layer, Recurrent), "a recurrent layer such as LSTM(10)", repr(self.layer))
        self._take_in(**{"": self.layer})
        self._expect_positive(steps=self.steps)
        self._expect(self.mode in MODES, f"mode out of {', '.join(MODES)}", repr(self.mode))
        self._expect(self.layer.has_one_output, "a layer with one output", f"{self.layer.name} with several")
        self._expect(not self.layer.stateful, "a layer that is not stateful", f"{self.layer.name} with stateful=True")
        self._expect(self.layer.activity_regularizer is None, "activity_regularizer on itself", "one on its layer")
        known = self.mode != "state" or place_of_output(self.layer.cell) is not None
        self._expect(known, "a cell whose output is one of its states for mode='state'", repr(self.layer.cell))

    def compute_output_shape(self, input_shape: Shape) -> Any:
        self._expect(len(input_shape) == 2, "inputs of shape (batch, features)", input_shape)
        width = self.layer.cell.output_size
        fits = self.mode != "state" or input_shape[1] == width
        self._expect(fits, f"a vector as wide as the state, {width}, for mode='state'", input_shape)
        return self.layer.compute_output_shape(self._sequence_shape(input_shape))

    def init_params(self, input_shape: Shape, rng: np.random.Generator, dtype: "DTypeLike") -> dict[str, np.ndarray]:
        return self._build_parts(self._sequence_shape(input_shape), rng, dtype)

    def forward(
        self, x: Any, training: bool = False, rng: Seed | None = None, mask: np.ndarray | None = None
    ) -> tuple[Any, Any]:
        self._expect(x.ndim == 2, "inputs of shape (batch, features)", x.shape)
        sequence = np.zeros(self._sequence_shape(x.shape), x.dtype)
        if self.mode == "state":
            cell = self.layer.cell
            zeros = tree_map(lambda size: np.zeros((len(x), size), x.dtype), cell.state_size)
            state = added(zeros, cell.state_size, place_of_output(cell), x)
            return self.layer.forward(sequence, training, rng, None, as_list(state))
        sequence[:, : 1 if self.mode == "first" else None] = x[:, None]
        return self.layer.forward(sequence, training, rng)

    def backward(self, saved: Any, d_output: Any) -> tuple[Any, dict[str, np.ndarray]]:
        d_x, d_params = self.layer.backward(saved, d_output)
        if self.mode == "state":
            cell = self.layer.cell
            return at(from_list(cell.state_size, d_x[1:]), place_of_output(cell)), d_params
        return (d_x[:, 0] if self.mode == "first" else d_x.sum(axis=1)), d_params

    def plan_memory(self, memory: PlannedMemory, x: Any) -> tuple[Any, Callable[..., Any]]:
        sequence = x._replace(shape=self._sequence_shape(x.shape), masked=False)
        sequence.hold(memory, "inputs")
        output, backward_of_layer = self.layer.plan_memory(memory, sequence)

        def backward() -> Any:
            backward_of_layer()
            return x.hold(memory, "gradients of inputs")

        return output, backward

    def compute_mask(self, x: Any, mask: np.ndarray | None = None) -> np.ndarray | None:
        return None

    def _sequence_shape(self, shape):
        batch, features = shape
        return batch, self.steps, 1 if self.mode == "state" else features
