"""A cell over a batch of sequences in pieces of one step, so that every state in between is in one's hands."""

from __future__ import annotations

from typing import Any

from ..cells.rnn_cell import RNNCell
from ..errors import InputError
from ..rnn.arguments import check_cell, check_state, valid_steps
from ..rnn.inputs import check_inputs
from ..rnn.run import Run, forward


class StepwiseRuns:
    """A batch of sequences, run step by step: the run and the state before each step, and the order of the steps."""

    def __init__(
        self,
        cell: RNNCell,
        params: Any,
        x: Any,
        *,
        initial_state: Any = None,
        lengths: Any = None,
        mask: Any = None,
        reverse: bool = False,
        device: str = "cpu",
    ):
        check_cell("inspection", cell)
        self.device = device
        self.x, self.params, self.dtype = check_inputs(cell, params, x)
        batch, steps = self.x.shape[:2]
        if not steps:
            raise InputError("inspection: expected at least one step, got none")
        state = cell.zero_state(batch, self.dtype) if initial_state is None else initial_state
        state = check_state(cell, "initial_state", state, batch, self.dtype)
        self.valid = valid_steps("inspection", lengths, mask, steps, batch, False)
        self.order = list(reversed(range(steps)) if reverse else range(steps))
        self.runs: dict[int, Run] = {}
        self.before: dict[int, Any] = {}
        for t in self.order:
            valid = None if self.valid is None else self.valid[t][:, None]
            run = forward(cell, self.params, self.x[:, t : t + 1], initial_state=state, mask=valid, device=device)
            self.runs[t], self.before[t], state = run, state, run.state


def state_names(sizes: Any) -> list[str]:
    """Name the states of a cell.

    Parameters
    ----------
    sizes : tuple or int
        The cell's `state_size`.

    Returns
    -------
    list of str
        Names such as "h" and "c", or "0/h" for h of the first of several cells.
    """
    if not isinstance(sizes, tuple):
        return ["h"]
    names = getattr(sizes, "_fields", range(len(sizes)))
    return [
        f"{name}/{inner}" if isinstance(size, tuple) else str(name)
        for name, size in zip(names, sizes, strict=True)
        for inner in state_names(size)
    ]
