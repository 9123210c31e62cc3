"""A cell over a batch of sequences in pieces of one step, so that every state in between is in one's hands."""

from ..errors import InputError
from ..rnn.arguments import check_cell, check_params, check_state, checked_inputs, valid_steps
from ..rnn.run import forward


class StepwiseRuns:
    """A batch of sequences run in pieces of one step: `runs[t]`, and the state `before[t]`; `order` of the steps."""

    def __init__(self, cell, params, x, *, initial_state=None, lengths=None, mask=None, reverse=False, device="cpu"):
        check_cell("inspection", cell)
        self.x, self.device = checked_inputs(cell, x, False), device
        batch, steps = self.x.shape[:2]
        if not steps:
            raise InputError("inspection: expected at least one step, got none")
        features = self.x.shape[2:] or [None]
        self.params = check_params(cell, params, *features, dtype=None if cell.takes_integers else self.x.dtype)
        self.dtype = next(iter(self.params.values())).dtype
        state = cell.zero_state(batch, self.dtype) if initial_state is None else initial_state
        state = check_state(cell, "initial_state", state, batch, self.dtype)
        self.valid = valid_steps("inspection", lengths, mask, steps, batch, False)
        self.order = list(reversed(range(steps)) if reverse else range(steps))
        self.runs, self.before = {}, {}
        for t in self.order:
            valid = None if self.valid is None else self.valid[t][:, None]
            run = forward(cell, self.params, self.x[:, t : t + 1], initial_state=state, mask=valid, device=device)
            self.runs[t], self.before[t], state = run, state, run.state


def state_names(sizes):
    """Names of the leaves of a cell's `state_size`: "h", "c", or "0/h" for those of the first of several cells."""
    if not isinstance(sizes, tuple):
        return ["h"]
    names = getattr(sizes, "_fields", range(len(sizes)))
    return [
        f"{name}/{inner}" if isinstance(size, tuple) else str(name)
        for name, size in zip(names, sizes, strict=True)
        for inner in state_names(size)
    ]
