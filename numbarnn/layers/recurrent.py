"""What all recurrent layers have in common: a cell run over whole sequences."""

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..ops import embedding as lookup
from ..rnn.run import Run, forward
from ..utils.tree import tree_leaves, tree_map
from ..wrappers import EmbeddingWrapper
from ..wrappers.base import part, prefixed
from .base import Layer
from .input_dropout import InputDropout
from .masked_outputs import repeat, repeat_gradient
from .states import added, as_list, as_state, at, from_list, place_of_output


@dataclass
class Saved:
    """What the gradient of a recurrent layer needs."""

    run: Run
    rows: lookup.Rows | None  # the inputs, where they were rows of a table
    mask: Any  # of the steps at which the output is repeated, in reading order; None: nowhere
    in_state: bool  # whether the output was taken out of the final state
    dropout: InputDropout | None
    initial_state_given: bool


@dataclass(eq=False)
class Recurrent(Layer):
    """Runs ``self.cell`` over x (batch, steps, features); subclasses set the cell.

    The output is the last one (batch, units), or with ``return_sequences`` all of them (batch, steps, units). With
    ``return_state`` it is the list of the output and the final states, h first. ``go_backwards`` reads the sequence
    from its end, and outputs, with their mask, stay in that order (Keras hands the mask on unturned). ``stateful``:
    row i of a batch goes on from the state of row i in the batch before, a constant for the gradient, until
    `reset_states`, of all rows or some; after `end_rows` the next batch has fewer rows.

    Masked steps (``mask``: (batch, steps) booleans) leave the state as it is. The output there is that of the step
    before, and ahead of the first valid step the initial h; with ``zero_output_for_mask`` it is zero, in the last step
    too. ``unroll``, as in Keras, changes this alone: zero stands ahead of the first valid step.

    ``initial_state``: arrays (batch, units), h first (the array alone where there is one state); `backward` then gives
    [gradient of x, gradients of these arrays ...] in the place of the gradient of x. ``reset_mask``: (batch, steps)
    booleans, true where a row's states become zero before the step (the start of an episode); see `nr.forward`.
    """

    _: KW_ONLY
    return_sequences: bool = False
    return_state: bool = False
    go_backwards: bool = False
    stateful: bool = False
    unroll: bool = False
    zero_output_for_mask: bool = False

    reads_rows = True
    state = None

    @property
    def has_one_output(self):
        return not self.return_state

    def compute_output_shape(self, input_shape):
        if len(input_shape) != 3 or not input_shape[2]:
            raise InputError(
                f"{self.name}: expected inputs of shape (batch, steps, features), got {input_shape}; "
                "a recurrent layer in front of another one needs return_sequences=True"
            )
        batch, steps, _ = input_shape
        return (batch, steps, self.cell.output_size) if self.return_sequences else (batch, self.cell.output_size)

    def compute_mask(self, x, mask=None):
        return self._in_reading_order(mask) if self.return_sequences else None

    def input_dropout(self, x, rng):
        """An `InputDropout` for a pass in training, or None."""
        return None

    def forward(self, x, training=False, rng=None, mask=None, initial_state=None, reset_mask=None):
        rng = np.random.default_rng(rng) if training and rng is not None else None
        dropout = self.input_dropout(x, rng) if training else None
        given = initial_state is not None
        initial_state = as_state(self.cell, initial_state) if given else self.carried_state(len(x))
        cell, params, rows = self.cell, self.params, x if isinstance(x, lookup.Rows) else None
        if dropout:
            params, x = params | {"kernel": dropout.kernel(params["kernel"])}, dropout.inputs(np.asarray(x))
        elif rows is not None:
            cell, params = EmbeddingWrapper(cell, *x.table.shape), {"embedding": x.table} | prefixed({"cell": params})
            x = x.tokens
        run = forward(
            cell,
            params,
            x,
            initial_state=initial_state,
            mask=mask,
            reset_mask=reset_mask,
            reverse=self.go_backwards,
            training=training,
            rng=rng,
            device=self.device,
            save="all" if training else "minimal",
        )
        if self.stateful:
            self.state = tree_map(np.copy, run.state)
        repeated = None if mask is None or self.zero_output_for_mask else self._in_reading_order(mask)
        in_state = self._output_is_state(mask, repeated, reset_mask)
        output = at(run.state, place_of_output(self.cell)) if in_state else self._outputs(run, repeated, initial_state)
        if self.return_state:
            output = [output, *as_list(run.state)]
        return output, Saved(run, rows, repeated, in_state, dropout, given)

    def _output_is_state(self, mask, repeated, reset_mask):
        """Whether the output can be taken out of the final state."""
        repeats_h = repeated is not None and not self.unroll and reset_mask is None
        return not self.return_sequences and place_of_output(self.cell) is not None and (mask is None or repeats_h)

    def _outputs(self, run, repeated, initial_state):
        """The output, from those of all steps."""
        where, outputs = place_of_output(self.cell), self._in_reading_order(run.outputs)
        if repeated is not None:
            before = None if where is None or self.unroll or initial_state is None else at(initial_state, where)
            outputs = repeat(outputs, repeated, np.zeros_like(outputs[:, 0]) if before is None else before)
        return outputs if self.return_sequences else outputs[:, -1]

    def backward(self, saved, d_output):
        """``d_output`` is like the output; with ``return_state`` None may stand for a list item without gradient."""
        sizes, where = self.cell.state_size, place_of_output(self.cell)
        d_output, *d_state = d_output if self.return_state else (d_output,)
        d_state = from_list(sizes, d_state) if d_state else None
        d_outputs = d_before = None
        if saved.in_state and d_output is not None:
            d_state = added(d_state, sizes, where, d_output)
        elif d_output is not None:
            d_outputs = d_output if self.return_sequences else self._at_last_step(saved.run.outputs, d_output)
            if saved.mask is not None:
                d_outputs, d_before = repeat_gradient(d_outputs, saved.mask)
            d_outputs = self._in_reading_order(d_outputs)
        grads = saved.run.backward(d_outputs, d_state)
        d_x, d_params = grads.inputs, grads.params
        if saved.dropout:
            d_x = saved.dropout.inputs_gradient(d_x)
            d_params = d_params | {"kernel": saved.dropout.kernel_gradient(d_params["kernel"])}
            if saved.rows is not None:
                d_x = lookup.RowsGradient(lookup.backward(saved.rows.table, saved.rows.tokens, d_x))
        elif saved.rows is not None:
            d_x, d_params = lookup.RowsGradient(d_params["embedding"]), part("cell", d_params)
        if not saved.initial_state_given:
            return d_x, d_params
        d_initial = grads.initial_state
        if d_before is not None and where is not None and not self.unroll:
            d_initial = added(d_initial, sizes, where, d_before)
        return [d_x, *as_list(d_initial)], d_params

    def reset_states(self, states=None, rows=None):
        """Forget the state of all rows, or of ``rows`` (booleans or indices), or set it to ``states``.

        ``states`` are arrays (batch, units), h first.
        """
        if states is None and rows is None:
            self.state = None
        elif rows is None:
            self._expect(self.built, "a built layer to set the states of", "one without parameters")
            self.state = tree_map(lambda s: np.array(s, self.dtype), as_state(self.cell, states))
        elif states is not None:
            raise InputError(f"{self.name}: reset_states expects states or rows, got both")
        elif self.state is not None:
            ended = self._among_rows(rows)
            for s in tree_leaves(self.state):
                s[ended] = 0

    def end_rows(self, rows):
        """``rows`` (booleans or indices) have ended: the next batch is made of the others alone, in their order."""
        if self.state is not None:
            goes_on = ~self._among_rows(rows)
            self.state = tree_map(lambda s: s[goes_on], self.state)

    def _among_rows(self, rows):
        """Booleans (batch,), true for ``rows``."""
        among = np.zeros(len(tree_leaves(self.state)[0]), bool)
        try:
            among[rows] = True
        except IndexError:
            raise InputError(f"{self.name}: expected rows out of a batch of {len(among)}, got {rows!r}") from None
        return among

    def carried_state(self, batch):
        """The state from which a batch of so many rows goes on; None: from zeros."""
        if self.state is not None:
            got = tuple(s.shape for s in tree_leaves(self.state))
            self._expect(
                got == tuple((batch, size) for size in tree_leaves(self.cell.state_size)),
                f"a batch that goes on from states of shapes {got} (reset_states() starts anew)",
                f"{batch} rows",
            )
        return self.state

    def _in_reading_order(self, steps):
        """Between the order of x and the order in which the steps were read; its own inverse."""
        return steps[:, ::-1] if self.go_backwards and steps is not None else steps

    def _at_last_step(self, outputs, d_last):
        d_outputs = np.zeros_like(outputs)
        d_outputs[:, -1] = d_last
        return d_outputs
