"""Two cells, one for each direction of time (Schuster and Paliwal 1997; Bidirectional of Keras)."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from ..cells.rnn_cell import RNNCell
from ..engines.interface import CellResult, RunOptions
from ..errors import InputError
from ..runtime.planned_memory import PlannedInputs, PlannedMemory
from .base import check_cells, part, prefixed

# name: (merged outputs, gradients of both outputs)
MERGE_MODES = {
    "concat": (lambda a, b: np.concatenate([a, b], axis=2), lambda a, b, d: np.split(d, [a.shape[2]], axis=2)),
    "sum": (lambda a, b: a + b, lambda a, b, d: (d, d)),
    "mul": (lambda a, b: a * b, lambda a, b, d: (d * b, d * a)),
    "ave": (lambda a, b: (a + b) / 2, lambda a, b, d: (d / 2, d / 2)),
}


@dataclass(frozen=True)
class Bidirectional(RNNCell):
    """Read sequences in both directions and merge the outputs of each step.

    The forward cell reads each row from its first valid step to its last, the backward cell from the last to the
    first. The state is a pair (forward, backward); the final state of the backward cell is the one after the first
    step of a row. `bidirectional_dynamic_rnn` returns the two outputs unmerged.

    Parameters
    ----------
    forward_cell : RNNCell
        The cell that reads forwards.
    backward_cell : RNNCell, optional
        The cell that reads backwards. By default a cell like `forward_cell`, with parameters of its own.
    merge_mode : {"concat", "sum", "mul", "ave"}, default "concat"
        How the outputs of a step are merged: side by side (forward first), sum, product or mean.

    Raises
    ------
    InputError
        For an unknown `merge_mode`, outputs of two sizes that are not concatenated, or if only one cell takes integers.

    Notes
    -----
    Parameters: those of the two cells, called "forward/..." and "backward/...". There are no resets and no truncated
    BPTT, as both need one direction of time.

    References
    ----------
    Schuster and Paliwal 1997, "Bidirectional recurrent neural networks"; ``keras.layers.Bidirectional``.
    """

    forward_cell: RNNCell
    backward_cell: RNNCell | None = None
    _: KW_ONLY
    merge_mode: str = "concat"

    def __post_init__(self):
        if self.backward_cell is None:
            object.__setattr__(self, "backward_cell", self.forward_cell)
        check_cells(self, self.forward_cell, self.backward_cell)
        if not isinstance(self.merge_mode, str) or self.merge_mode not in MERGE_MODES:
            raise InputError(f"Bidirectional: no merge_mode {self.merge_mode!r}; there are {', '.join(MERGE_MODES)}")
        sizes = [cell.output_size for cell in self._cells]
        if self.merge_mode != "concat" and sizes[0] != sizes[1]:
            raise InputError(f"Bidirectional: expected outputs of one size to {self.merge_mode}, got {sizes}")
        if len({cell.takes_integers for cell in self._cells}) == 2:
            raise InputError("Bidirectional: one cell takes integers, and the other does not")

    @property
    def _cells(self) -> tuple[RNNCell, RNNCell]:
        return self.forward_cell, self.backward_cell or self.forward_cell

    @property
    def takes_integers(self) -> bool:
        return self.forward_cell.takes_integers

    @property
    def state_size(self) -> tuple:
        """Widths of the states of both cells, a pair."""
        return tuple(cell.state_size for cell in self._cells)

    @property
    def output_size(self) -> int:
        """Width of the output."""
        sizes = [cell.output_size for cell in self._cells]
        return sum(sizes) if self.merge_mode == "concat" else sizes[0]

    def param_shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        forward, backward = (cell.param_shapes(input_size) for cell in self._cells)
        return prefixed({"forward": forward, "backward": backward})

    def draw_params(self, input_size: int, rng: np.random.Generator, dtype: np.dtype) -> dict[str, np.ndarray]:
        forward, backward = (cell.init_params(input_size, rng, dtype) for cell in self._cells)
        return prefixed({"forward": forward, "backward": backward})

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        if options.resets is not None:
            raise InputError(
                "Bidirectional: expected no reset_mask: a reset stands before a step of one reading direction, and "
                "there are two"
            )
        forth, back = (
            cell.unroll(part(name, params), x, s, mask, options.part(name)._replace(reverse=reverse))
            for cell, name, s, reverse in zip(
                self._cells,
                ("forward", "backward"),
                state or (None, None),
                (options.reverse, not options.reverse),
                strict=True,
            )
        )
        merge, gradient = MERGE_MODES[self.merge_mode]
        y = forth.outputs, back.outputs

        def backward(d_outputs, d_state, cut=None):
            if cut is not None:
                raise InputError(
                    "Bidirectional: expected no truncate: truncated BPTT cuts off the past, and where both directions "
                    "are read every step has a part of the sequence behind it on either side"
                )
            d = (None, None) if d_outputs is None else gradient(*y, d_outputs)
            (d_forward, dx, d_first), (d_backward, dx_back, d_last) = (
                run.backward(*grads) for run, *grads in zip((forth, back), d, d_state, strict=True)
            )
            dx = None if dx is None else dx + dx_back
            return prefixed({"forward": d_forward, "backward": d_backward}), dx, (d_first, d_last)

        return CellResult(
            merge(*y),
            (forth.state, back.state),
            backward,
            lambda: prefixed({"forward": forth.states(), "backward": back.states()}),
            lambda: prefixed({"forward": forth.gates(), "backward": back.gates()}),
        )

    def plan_memory(self, memory: PlannedMemory, inputs: PlannedInputs, options: RunOptions) -> Callable[[], Any]:
        parts = [memory.part(name) for name in ("forward", "backward")]
        gradients = [cell.plan_memory(part, inputs, options) for cell, part in zip(self._cells, parts, strict=True)]
        inputs.array(memory, "outputs", self.output_size)

        def backward():
            for planned in gradients:
                planned()
            if not inputs.tokens:
                inputs.array(memory, "gradients", inputs.features)

        return backward
