"""Two cells, one for each direction of time (Schuster and Paliwal 1997; Bidirectional of Keras)."""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from ..cells.rnn_cell import RNNCell
from ..engines.interface import CellResult
from ..errors import InputError
from .base import check_cells, part, prefixed

MERGE_MODES = {  # of the outputs a and b: (their merger, the gradients of both)
    "concat": (lambda a, b: np.concatenate([a, b], axis=2), lambda a, b, d: np.split(d, [a.shape[2]], axis=2)),
    "sum": (lambda a, b: a + b, lambda a, b, d: (d, d)),
    "mul": (lambda a, b: a * b, lambda a, b, d: (d * b, d * a)),
    "ave": (lambda a, b: (a + b) / 2, lambda a, b, d: (d / 2, d / 2)),
}


@dataclass(frozen=True)
class Bidirectional(RNNCell):
    """`forward_cell` reads each row from its first valid step to its last, `backward_cell` from the last to the first;
    the outputs of a step are merged: "concat" (forward first), "sum", "mul" or "ave".

    `backward_cell` is by default like the other; either has its own parameters, "forward/..." and "backward/...". The
    state is a pair (forward, backward); the final one of the backward cell is that after a row's first step. For the
    outputs as a pair see `bidirectional_dynamic_rnn`.
    """

    forward_cell: RNNCell
    backward_cell: RNNCell | None = None
    _: KW_ONLY
    merge_mode: str = "concat"

    def __post_init__(self):
        if self.backward_cell is None:
            object.__setattr__(self, "backward_cell", self.forward_cell)
        check_cells(self, self.forward_cell, self.backward_cell)
        if self.merge_mode not in MERGE_MODES:
            raise InputError(f"Bidirectional: no merge_mode {self.merge_mode!r}; there are {', '.join(MERGE_MODES)}")
        sizes = [cell.output_size for cell in self._cells]
        if self.merge_mode != "concat" and sizes[0] != sizes[1]:
            raise InputError(f"Bidirectional: expected outputs of one size to {self.merge_mode}, got {sizes}")
        if self.forward_cell.takes_integers != self.backward_cell.takes_integers:
            raise InputError("Bidirectional: one cell takes integers, and the other does not")

    @property
    def _cells(self):
        return self.forward_cell, self.backward_cell

    @property
    def takes_integers(self):
        return self.forward_cell.takes_integers

    @property
    def state_size(self):
        return tuple(cell.state_size for cell in self._cells)

    @property
    def output_size(self):
        sizes = [cell.output_size for cell in self._cells]
        return sum(sizes) if self.merge_mode == "concat" else sizes[0]

    def param_shapes(self, input_size):
        forward, backward = (cell.param_shapes(input_size) for cell in self._cells)
        return prefixed({"forward": forward, "backward": backward})

    def init_params(self, input_size, rng=0, dtype="float32"):
        rng = np.random.default_rng(rng)
        forward, backward = (cell.init_params(input_size, rng, dtype) for cell in self._cells)
        return prefixed({"forward": forward, "backward": backward})

    def unroll(self, params, x, state, mask, options):
        if options.resets is not None:
            raise InputError(
                "Bidirectional: expected no reset_mask: a reset stands before a step of one reading direction, and "
                "there are two"
            )
        ahead, back = (
            cell.unroll(part(name, params), x, s, mask, options.part(name)._replace(reverse=options.reverse != turned))
            for cell, name, s, turned in zip(
                self._cells, ("forward", "backward"), state or (None, None), (False, True), strict=True
            )
        )
        merge, gradient = MERGE_MODES[self.merge_mode]
        y = ahead.outputs, back.outputs

        def backward(d_outputs, d_state, cut=None):
            if cut is not None:
                raise InputError(
                    "Bidirectional: expected no truncate: truncated BPTT cuts off the past, and where both directions "
                    "are read every step has a part of the sequence behind it on either side"
                )
            d = (None, None) if d_outputs is None else gradient(*y, d_outputs)
            (forward, dx, first), (backward, dx_back, last) = (
                run.backward(*grads) for run, *grads in zip((ahead, back), d, d_state, strict=True)
            )
            dx = None if dx is None else dx + dx_back
            return prefixed({"forward": forward, "backward": backward}), dx, (first, last)

        return CellResult(
            merge(*y),
            (ahead.state, back.state),
            backward,
            lambda: prefixed({"forward": ahead.states(), "backward": back.states()}),
            lambda: prefixed({"forward": ahead.gates(), "backward": back.gates()}),
        )
