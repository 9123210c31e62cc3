"""Dropout around a cell (Srivastava et al. 2014; Gal and Ghahramani 2016; DropoutWrapper of TensorFlow 1)."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace

import numpy as np

from ..errors import InputError
from .base import Wrapper, check_floats
from .masks import Sharing, draw, masked
from .state_dropout import Drop, with_state_dropout


def every_state_but_c(name):
    """TensorFlow's choice: the memory of an LSTM is not dropped."""
    return name != "c"


@dataclass(frozen=True)
class DropoutWrapper(Wrapper):
    """In training, drops inputs, outputs and outgoing states of `cell`; what is kept is divided by its probability.

    Each keep probability is in (0, 1]; 1 changes nothing. Masks are new in each step, row and unit; with
    `variational_recurrent` one mask holds for all steps, with `shared_over_batch` for all rows (TensorFlow's
    variational masks are both). They depend on the seed alone, `rng` of `forward`. Dropped states are what the next
    step reads and what is returned in the end, while the output of the step is not; `dropout_state_filter` says by its
    name whether a state is dropped. In a stack, that is done to each of its cells.
    Parameters and states are the cell's.
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
            if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < value <= 1:
                raise InputError(f"DropoutWrapper: expected {option} in (0, 1], got {value!r}")
        if not callable(self.dropout_state_filter):
            got = repr(self.dropout_state_filter)
            raise InputError(f"DropoutWrapper: expected dropout_state_filter to be a function of a name, got {got}")
        if self.input_keep_prob < 1:
            check_floats(self, "input_keep_prob")
        _ = self._cell_in_training  # refuses cells that cannot have state dropout

    @property
    def _sharing(self):
        return Sharing(self.variational_recurrent, self.shared_over_batch)

    @property
    def _cell_in_training(self):
        if self.state_keep_prob == 1:
            return self.cell
        return with_state_dropout(self.cell, Drop(self.state_keep_prob, self.dropout_state_filter, self._sharing))

    def unroll(self, params, x, state, mask, options):
        inner = options.part("cell")
        if not options.training:
            return self.cell.unroll(params, x, state, mask, inner)
        of_inputs = self._mask("input", self.input_keep_prob, x, options)
        run = self._cell_in_training.unroll(params, masked(x, of_inputs), state, mask, inner)
        of_outputs = self._mask("output", self.output_keep_prob, run.outputs, options)

        def backward(d_outputs, d_state, cut=None):
            d_params, dx, initial = run.backward(masked(d_outputs, of_outputs), d_state, cut)
            return d_params, masked(dx, of_inputs), initial

        return replace(run, outputs=masked(run.outputs, of_outputs), backward=backward)

    def _mask(self, site, keep_prob, array, options):
        """For an array (T, B, n); None where nothing is dropped."""
        if keep_prob == 1:
            return None
        return draw(
            options.part(site).random("DropoutWrapper"), keep_prob, self._sharing.shape(*array.shape), array.dtype
        )
