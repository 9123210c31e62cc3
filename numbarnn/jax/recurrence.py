"""`rnn`: any cell as a function of JAX."""

from dataclasses import dataclass
from typing import Any

import jax  # pyright: ignore[reportMissingImports]  # an extra
import jax.numpy as jnp  # pyright: ignore[reportMissingImports]
import numpy as np
from jax.core import Tracer  # pyright: ignore[reportMissingImports]

from ..cells.rnn_cell import RNNCell
from ..errors import InputError
from ..rnn.arguments import check_cell, check_truth_values, nested_state
from ..rnn.run import checked_arguments
from ..utils.tree import tree_leaves, tree_unflatten
from .function import run


def rnn(cell: RNNCell, *, time_major: bool = False, reverse: bool = False) -> "Recurrence":
    """Make a function of JAX that runs a cell over sequences, with numbarnn's kernels forward and backward.

    It works under ``jit``, ``grad``, ``vmap``, ``checkpoint``, ``scan`` and ``shard_map``.

    Parameters
    ----------
    cell : RNNCell
        A cell, plain or composite, such as ``nr.LSTMCell(64)``. ``cell.init_params(input_size, rng=0)`` makes its
        parameters.
    time_major : bool, default False
        Whether inputs, masks and outputs have the time axis first.
    reverse : bool, default False
        Whether each row is read from its last valid step to its first.

    Returns
    -------
    Recurrence
        The function ``(params, x, initial_state=None, *, lengths=None, mask=None, reset_mask=None, key=None)``. It
        returns the outputs and the final state, and takes random numbers for dropout from ``key``.

    Raises
    ------
    InputError
        If an argument is not what is expected.
    ImportError
        JAX is missing (the extra "jax").

    Examples
    --------
    >>> lstm = nr.jax.rnn(nr.LSTMCell(64))
    >>> params = lstm.cell.init_params(28, rng=0)
    >>> outputs, state = jax.jit(lstm)(params, x, lengths=lengths)
    """
    check_cell("rnn", cell)
    check_truth_values("rnn", time_major=time_major, reverse=reverse)
    return Recurrence(cell, time_major, reverse)


@dataclass(frozen=True)
class Recurrence:
    """What `rnn` returns."""

    cell: RNNCell
    time_major: bool = False
    reverse: bool = False

    def __call__(
        self,
        params: dict[str, Any],
        x: Any,
        initial_state: Any = None,
        *,
        lengths: Any = None,
        mask: Any = None,
        reset_mask: Any = None,
        key: Any = None,
    ) -> tuple[Any, Any]:
        """Run the cell over a batch of sequences.

        Parameters
        ----------
        params : dict of str to array
            The cell's parameters, all float32 or all float64.
        x : array (B, T, I)
            Inputs of the parameters' dtype; (T, B, I) if ``time_major``. Integers (B, T) if the cell takes those.
        initial_state : State of array (B, H), optional
            The cell's states before the first step, nested like ``cell.state_size``; zeros by default.
        lengths : array (B,) of int, optional
            Number of valid steps of each row, zero allowed.
        mask : array (B, T) of bool, optional
            Valid steps in any pattern, laid out as ``x``; not together with ``lengths``.
        reset_mask : array (B, T) of bool, optional
            Steps before which all states of the row become zero; not with ``reverse``.
        key : key of jax.random, optional
            Where dropout and zoneout take their random numbers from; without it they are off, as after training.

        Returns
        -------
        outputs : array (B, T, output_size)
            Outputs, zero at steps that are not valid; laid out as ``x``.
        state : State of array (B, H)
            The states after each row's last valid step, nested like ``cell.state_size``.

        Raises
        ------
        InputError
            If an argument has another type, shape or dtype than expected, or lengths that are known have another value.
        """
        named = {"lengths": lengths, "mask": mask, "reset_mask": reset_mask}
        given = {name: None if value is None else _array(name, value) for name, value in named.items()}
        given["x"] = _array("x", x)
        if isinstance(params, dict):
            params = {name: _array(f"parameter {name}", value) for name, value in params.items()}
        if initial_state is not None:
            sizes = self.cell.state_size
            initial_state = nested_state("rnn", "initial_state", initial_state, sizes, lambda w, v, _: _array(w, v))
        self._check(given | {"params": params, "initial_state": initial_state})
        state = None if initial_state is None else tree_leaves(initial_state)
        seed = None if key is None else jax.random.bits(key, (2,), "uint32")
        how = self.cell, self.time_major, self.reverse
        outputs, *final = run(how, given | {"params": params, "initial_state": state, "seed": seed})
        return outputs, tree_unflatten(self.cell.state_size, final)

    def _check(self, given):
        """Raise `InputError` for what `nr.forward` refuses; it sees no values but those of lengths that are known."""
        alike = {name: jax.tree.map(_stand_in, value) for name, value in given.items()}
        if not isinstance(given["lengths"], Tracer | None):
            alike["lengths"] = np.asarray(given["lengths"])
        layout = {"time_major": self.time_major, "reverse": self.reverse}
        checked_arguments(self.cell, **alike, **layout, training=False, rng=None, device="cpu", save="all")


def _array(what, value):
    """Return an array of JAX, or raise `InputError`."""
    try:
        return jnp.asarray(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"rnn: expected {what} to be an array, got {type(value).__name__}: {error}") from None


def _stand_in(array):
    """Return an array of the same shape and dtype, of zeros that take no memory."""
    return np.broadcast_to(np.zeros((), array.dtype), array.shape)
