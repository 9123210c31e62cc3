"""Long sequences in segments, their states kept in between."""

import numpy as np

from ...errors import InputError
from ...utils.tree import tree_leaves, tree_map
from ..arguments import check_array, check_cell
from .rnn import static_rnn


def static_state_saving_rnn(cell, params, inputs, state_saver, state_name, **options):
    """`static_rnn` whose initial state is `state_saver.state(name)` and whose final state goes to
    `state_saver.save_state(name, value)`.

    `state_name`: a name for each state, nested like the cell's `state_size`, such as ("h", "c"). `options` are those of
    `static_rnn` but for initial_state. The gradient stops at the initial state: this is truncated BPTT(k, k) with
    segments of k steps. Raises `InputError`, and then nothing has been saved.
    """
    caller = "static_state_saving_rnn"
    check_cell(caller, cell)
    sizes, names = cell.state_size, tree_leaves(state_name)
    if len(set(names)) != len(tree_leaves(sizes)):
        raise InputError(f"{caller}: expected state_name to hold a name for each of {sizes}, got {state_name!r}")
    rest = iter(names)
    names = tree_map(lambda _: next(rest), sizes)
    run = static_rnn(cell, params, inputs, initial_state=tree_map(state_saver.state, names), **options)
    tree_map(state_saver.save_state, names, run.state)
    return run


class StateSaver:
    """Keeps states of sequences by name and sequence id, for one batch of sequences at a time.

    `initial_states` {name: array (size,)} holds what a sequence starts with, `ids` the sequence of each row.
    `batch(ids)` is the same store for another batch. What is kept are copies; no gradient passes.
    """

    def __init__(self, initial_states, ids):
        self._initial = {name: np.array(state) for name, state in initial_states.items()}
        self._kept = {name: {} for name in self._initial}
        self._ids = self._checked(ids)

    def batch(self, ids):
        """A saver for the sequences `ids`, which shares all states with this one."""
        other = StateSaver(self._initial, ids)
        other._kept = self._kept
        return other

    def state(self, name):
        """The state `name` of each row, (B, size): the one last saved, or the initial one."""
        kept, initial = self._of(name)
        return np.stack([kept.get(key, initial) for key in self._ids])

    def save_state(self, name, value):
        """Keep `value` (B, size) for the rows' sequences."""
        kept, initial = self._of(name)
        shape = (len(self._ids), *initial.shape)
        value = check_array("StateSaver", f"state {name!r}", value, shape, initial.dtype)
        kept.update((key, row.copy()) for key, row in zip(self._ids, value, strict=True))

    def reset(self):
        """Forget the states of this batch's sequences; they start anew."""
        for kept in self._kept.values():
            for key in self._ids:
                kept.pop(key, None)

    def _of(self, name):
        if name not in self._initial:
            raise InputError(f"StateSaver: no state {name!r}; there are {', '.join(map(repr, self._initial))}")
        return self._kept[name], self._initial[name]

    @staticmethod
    def _checked(ids):
        ids = list(ids)
        if not ids or len(set(ids)) != len(ids):
            raise InputError(f"StateSaver: expected ids to be the rows' sequences, each once, got {ids}")
        return ids
