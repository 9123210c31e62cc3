"""Long sequences in segments; a state saver keeps the states between them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...cells.rnn_cell import RNNCell
from ...errors import InputError
from ...utils.tree import tree_leaves, tree_map, tree_unflatten
from ..arguments import check_array, check_cell
from ..inputs import dtype_of_lists
from .result import Unrolled
from .rnn import static_rnn
from .tensorflow_options import of_tensorflow
from .time_axis import stacked


def static_state_saving_rnn(
    cell: RNNCell,
    params: dict[str, Any],
    inputs: Iterable[ArrayLike],
    state_saver: Any,
    state_name: Any,
    **options: Any,
) -> Unrolled:
    """Run a cell over a segment of long sequences, from saved states, and save the final states.

    The gradient stops at the initial state: over successive segments of k steps this is truncated BPTT(k, k).

    Parameters
    ----------
    cell : RNNCell
        A cell, plain or composite, such as ``nr.LSTMCell(64)``.
    params : dict of str to ndarray
        The cell's parameters, as ``cell.init_params`` makes them; all float32 or all float64.
    inputs : list of T ndarrays (B, I)
        The inputs of each step of the segment, of the parameters' dtype. Integers (B,) if the cell takes those.
    state_saver : StateSaver
        The store, or any object with ``state(name)``, which returns an array (B, size), and
        ``save_state(name, value)``.
    state_name : str or tuple of str
        A name for each state, nested like the `state_size` of the cell, such as ("h", "c").
    **options
        Keyword arguments of `static_rnn` except ``initial_state``.

    Returns
    -------
    Unrolled
        As `static_rnn` returns it.

    Raises
    ------
    InputError
        If an argument has another type, shape, dtype or value than expected; then nothing has been saved.

    References
    ----------
    ``tf.nn.static_state_saving_rnn`` of TensorFlow 1.
    """
    caller = "static_state_saving_rnn"
    check_cell(caller, cell)
    sizes, names = cell.state_size, tree_leaves(state_name)
    if len(set(names)) != len(tree_leaves(sizes)):
        raise InputError(f"{caller}: expected state_name to hold a name for each of {sizes}, got {state_name!r}")
    names = tree_unflatten(sizes, names)
    steps = stacked(caller, inputs, dtype_of_lists(cell, params))
    steps, options = of_tensorflow(caller, cell, params, steps, options)
    run = static_rnn(cell, params, list(steps), initial_state=tree_map(state_saver.state, names), **options)
    tree_map(state_saver.save_state, names, run.state)
    return run


class StateSaver:
    """Keep the states of many sequences, by name and sequence id, for one batch at a time.

    The saver keeps copies; no gradient passes through it.

    Parameters
    ----------
    initial_states : dict of str to ndarray (size,)
        The states with which every sequence starts, by name.
    ids : iterable of hashable
        The sequence in each row of the batch, each once.

    Raises
    ------
    InputError
        If `ids` is empty or holds an id twice.

    References
    ----------
    The state savers of ``tf.contrib.training.SequenceQueueingStateSaver`` in TensorFlow 1.
    """

    def __init__(self, initial_states: Mapping[str, ArrayLike], ids: Iterable[Hashable]):
        self._initial = {name: np.array(state) for name, state in initial_states.items()}
        self._kept = {name: {} for name in self._initial}
        self._ids = self._checked(ids)

    def __repr__(self):
        return f"StateSaver(states {', '.join(self._initial)}; {len(self._ids)} rows)"

    def batch(self, ids: Iterable[Hashable]) -> StateSaver:
        """Return a saver for a batch of other sequences that shares all states with this one.

        Parameters
        ----------
        ids : iterable of hashable
            The sequence in each row of that batch, each once.

        Returns
        -------
        StateSaver
            The saver for that batch.

        Raises
        ------
        InputError
            If `ids` is empty or holds an id twice.
        """
        other = StateSaver(self._initial, ids)
        other._kept = self._kept
        return other

    def state(self, name: str) -> np.ndarray:
        """Return a state of each row: the last saved one, or the initial one.

        Parameters
        ----------
        name : str
            The state's name.

        Returns
        -------
        ndarray (B, size)
            The state, in the dtype of the initial one.

        Raises
        ------
        InputError
            If there is no state of this name.
        """
        kept, initial = self._of(name)
        return np.stack([kept.get(key, initial) for key in self._ids])

    def save_state(self, name: str, value: ArrayLike) -> None:
        """Keep a state for the sequences of the batch.

        Parameters
        ----------
        name : str
            The state's name.
        value : ndarray (B, size)
            The state of each row, in the dtype of the initial state.

        Raises
        ------
        InputError
            If there is no state of this name, or `value` has another shape or dtype.
        """
        kept, initial = self._of(name)
        shape = (len(self._ids), *initial.shape)
        rows = check_array("StateSaver", f"state {name!r}", value, shape, initial.dtype)
        kept.update((key, row.copy()) for key, row in zip(self._ids, rows, strict=True))

    def reset(self) -> None:
        """Forget the states of this batch's sequences, which then start again from the initial states."""
        for kept in self._kept.values():
            for key in self._ids:
                kept.pop(key, None)

    def _of(self, name: str) -> tuple[dict[Hashable, np.ndarray], np.ndarray]:
        """Return the kept states {id: array (size,)} of this name and the initial one."""
        if name not in self._initial:
            raise InputError(f"StateSaver: no state {name!r}; there are {', '.join(map(repr, self._initial))}")
        return self._kept[name], self._initial[name]

    @staticmethod
    def _checked(ids: Iterable[Hashable]) -> list[Hashable]:
        ids = list(ids)
        if not ids or len(set(ids)) != len(ids):
            raise InputError(f"StateSaver: expected ids to be the rows' sequences, each once, got {ids}")
        return ids
