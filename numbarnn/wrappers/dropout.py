"""Dropout around a cell (Srivastava et al. 2014; Gal and Ghahramani 2016; DropoutWrapper of TensorFlow 1)."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np

from ..cells.rnn_cell import RNNCell
from ..engines.interface import CellResult, RunOptions
from ..errors import InputError
from .base import Wrapper, check_floats
from .masks import Sharing, apply_mask, draw
from .state_dropout import Drop, with_state_dropout


def every_state_but_c(name: str) -> bool:
    """Follow TensorFlow: the memory of an LSTM is not dropped."""
    return name != "c"


@dataclass(frozen=True)
class DropoutWrapper(Wrapper):
    """Drop inputs, outputs and states of a cell at random in training.

    A value is zero with one minus its keep probability, and divided by that probability otherwise. Dropped states are
    what the next step reads and what is returned in the end; the output of the step is not changed by them. All masks
    depend on the seed alone, `rng` of `nr.forward`. Parameters and states are those of `cell`.

    Parameters
    ----------
    cell : RNNCell
        The inner cell. State dropout of a stack applies to each of its cells.
    input_keep_prob, output_keep_prob, state_keep_prob : float, default 1.0
        Probability in (0, 1] to keep a value of the inputs, of the outputs, and of the states that go to the next step.
    variational_recurrent : bool, default False
        Use one mask for all steps; by default each step has masks of its own.
    shared_over_batch : bool, default False
        Use one mask for all rows. The variational masks of TensorFlow have both options.
    dropout_state_filter : callable, optional
        Function of a state's name that returns whether the state is dropped. By default, as in TensorFlow, every
        state but c.

    Raises
    ------
    InputError
        For a probability outside (0, 1], input dropout of a cell that takes integers, or state dropout of a cell that
        has none: a projected output, or a cell such as `GridLSTMCell`.

    References
    ----------
    Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting"; Gal and Ghahramani
    2016, "A theoretically grounded application of dropout in recurrent neural networks";
    ``tf.nn.rnn_cell.DropoutWrapper`` of TensorFlow 1.
    """

    _: KW_ONLY
    input_keep_prob: float = 1.0
    output_keep_prob: float = 1.0
    state_keep_prob: float = 1.0
    variational_recurrent: bool = False
    shared_over_batch: bool = False
    dropout_state_filter: Callable[[str], bool] = every_state_but_c

    def __post_init__(self):
        super().__post_init__()
        for option in ("input_keep_prob", "output_keep_prob", "state_keep_prob"):
            value = getattr(self, option)
            if not 0 < value <= 1:
                raise InputError(f"DropoutWrapper: expected {option} in (0, 1], got {value!r}")
        if not callable(self.dropout_state_filter):
            got = repr(self.dropout_state_filter)
            raise InputError(f"DropoutWrapper: expected dropout_state_filter to be a function of a name, got {got}")
        if self.input_keep_prob < 1:
            check_floats(self, "input_keep_prob")
        # raises on cells that cannot have state dropout
        _ = self._cell_in_training

    @property
    def _sharing(self) -> Sharing:
        return Sharing(self.variational_recurrent, self.shared_over_batch)

    @property
    def _cell_in_training(self) -> RNNCell:
        if self.state_keep_prob == 1:
            return self.cell
        return with_state_dropout(self.cell, Drop(self.state_keep_prob, self.dropout_state_filter, self._sharing))

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        inner = options.part("cell")
        if not options.training:
            return self.cell.unroll(params, x, state, mask, inner)
        input_mask = self._mask("input", self.input_keep_prob, x, options)
        run = self._cell_in_training.unroll(params, apply_mask(x, input_mask), state, mask, inner)
        output_mask = self._mask("output", self.output_keep_prob, run.outputs, options)

        def backward(d_outputs, d_state, cut=None):
            d_params, dx, d_initial = run.backward(apply_mask(d_outputs, output_mask), d_state, cut)
            return d_params, apply_mask(dx, input_mask), d_initial

        return replace(run, outputs=apply_mask(run.outputs, output_mask), backward=backward)

    def _mask(self, site: str, keep_prob: float, array: np.ndarray, options: RunOptions) -> np.ndarray | None:
        """Draw the mask of an array (T, B, n); return None if nothing is dropped."""
        if keep_prob == 1:
            return None
        rng = options.part(site).random("DropoutWrapper")
        shape = self._sharing.shape(*options.rows.whole(array.shape, 1))
        return options.rows.own(draw(rng, keep_prob, shape, array.dtype), 1)
