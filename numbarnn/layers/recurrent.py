"""What all recurrent layers have in common: a cell run over whole sequences."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from ..cells.rnn_cell import RNNCell
from ..engines.fixed_params import FixedParams
from ..engines.interface import RunOptions
from ..errors import InputError
from ..ops import embedding as lookup
from ..rnn.prepared import prepare
from ..rnn.run import Run, forward
from ..runtime.planned_memory import NOTHING, PlannedArray, PlannedInputs, PlannedMemory
from ..utils.arrays import plain_array
from ..utils.docs import inherit_parameters
from ..utils.tree import tree_leaves, tree_map
from ..utils.types import Seed, Shape
from ..wrappers import EmbeddingWrapper
from ..wrappers.base import part, prefixed
from ..wrappers.embedding import multiplies_table
from .base import Layer
from .input_dropout import InputDropout
from .masked_outputs import repeat, repeat_gradient
from .states import added, as_list, as_state, at, from_list, place_of_output


@lru_cache
def reading(cell: RNNCell, rows: int, width: int) -> EmbeddingWrapper:
    """Return the cell behind a table of so many rows; making it anew would take as long as a small step."""
    return EmbeddingWrapper(cell, rows, width)


def behind(table: np.ndarray, params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the parameters of a cell behind a table; of fixed ones they are made once."""
    if not isinstance(params, FixedParams):
        return {"embedding": table} | prefixed({"cell": params})
    return params.once(("behind", id(table)), lambda: FixedParams(behind(table, dict(params))))


@dataclass
class Saved:
    """What the gradient of a recurrent layer needs."""

    run: Run
    rows: lookup.DeferredLookup | None  # the inputs, where they were rows of a table
    mask: np.ndarray | None  # of the steps at which the output is repeated, in reading order; None: nowhere
    in_state: bool  # whether the output was taken out of the final state
    dropout: InputDropout | None
    initial_state_given: bool


@inherit_parameters
@dataclass(eq=False, repr=False)
class Recurrent(Layer):
    """Base class of recurrent layers, which run a cell over sequences; subclasses set ``cell``.

    Parameters
    ----------
    return_sequences : bool, default False
        Whether the output is that of every step, and not the last one alone.
    return_state : bool, default False
        Whether the layer also returns its final states: a list of the output and the states, h first.
    go_backwards : bool, default False
        Whether the sequence is read from its end. Outputs, and their mask, are in the order of reading (Keras does not
        turn the mask).
    stateful : bool, default False
        Whether row i of a batch continues from the state of row i in the batch before. That state is a constant for the
        gradient. See `reset_states` and `end_rows`.
    unroll : bool, default False
        As in Keras, whether the output before the first valid step is zero instead of the initial h; it changes nothing
        else.
    zero_output_for_mask : bool, default False
        Whether the output at masked steps is zero, in the last step too, instead of that of the step before.

    Notes
    -----
    Input: floats (batch, steps, features). Output: (batch, units), or (batch, steps, units) with ``return_sequences``,
    of the same dtype. Each state: (batch, units). ``units`` is the output size of the cell.

    With a mask (batch, steps) the state stays as it is at masked steps. The output there is that of the step before,
    and before the first valid step the initial h.
    """

    cell: Any = field(init=False)
    _: KW_ONLY
    return_sequences: bool = False
    return_state: bool = False
    go_backwards: bool = False
    stateful: bool = False
    unroll: bool = False
    zero_output_for_mask: bool = False

    reads_rows = True
    dropout, dropout_masks = 0.0, 1  # of the inputs: the share of zeros, and masks for each row
    state = None  # of a stateful layer, nested like that of the cell
    _original = None  # of a copy for prediction: the layer whose state it continues

    @property
    def _memory(self):
        """The layer that remembers the state."""
        return self._original or self

    @property
    def has_one_output(self) -> bool:
        """Whether the output is one array."""
        return not self.return_state

    @property
    def state_sizes(self) -> list:
        """The sizes of the states, h first; those of a stack cell by cell."""
        return as_list(self.cell.state_size)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        if len(input_shape) != 3 or not input_shape[2]:
            raise InputError(
                f"{self.name}: expected inputs of shape (batch, steps, features), got {input_shape}; "
                "a recurrent layer in front of another one needs return_sequences=True"
            )
        batch, steps, _ = input_shape
        width = self.cell.output_size
        output = (batch, steps, width) if self.return_sequences else (batch, width)
        states = tree_map(lambda size: (batch, size), self.state_sizes)
        return [output, *states] if self.return_state else output

    def compute_mask(self, x: Any, mask: np.ndarray | None = None) -> np.ndarray | None:
        return self._in_reading_order(mask) if self.return_sequences else None

    def input_dropout(self, x: Any, rng: np.random.Generator | None) -> InputDropout | None:
        """Draw the dropout of the inputs for a pass in training.

        Parameters
        ----------
        x : array (batch, steps, features)
            Inputs.
        rng : Generator or None
            Random numbers.

        Returns
        -------
        InputDropout or None
            The masks, if there are any.
        """
        return None

    def forward(
        self,
        x: Any,
        training: bool = False,
        rng: Seed | None = None,
        mask: np.ndarray | None = None,
        initial_state: Any = None,
        reset_mask: np.ndarray | None = None,
    ) -> tuple[Any, Any]:
        """Run the cell over a batch of sequences.

        Parameters
        ----------
        x : array (batch, steps, features)
            Inputs, of the dtype of the parameters; integers (batch, steps) for a cell that takes them.
        training : bool, default False
            Whether the pass belongs to training, with dropout.
        rng : Generator or int, optional
            Random numbers for dropout, or a seed for them.
        mask : array (batch, steps), optional
            Booleans, true where ``x`` counts.
        initial_state : list of array (batch, units), optional
            The states before the first step, h first; the array alone if there is one state. Zeros by default.
        reset_mask : array (batch, steps), optional
            Booleans, true where a row's states become zero before the step (the start of an episode).

        Returns
        -------
        output : array (batch, units) or (batch, steps, units)
            The output; with ``return_state`` a list of it and the final states.
        saved : object
            What `backward` needs.

        Raises
        ------
        InputError
            Inputs, mask or states do not fit.
        """
        rng = np.random.default_rng(rng) if training and rng is not None else None
        dropout = self.input_dropout(x, rng) if training else None
        given = initial_state is not None
        initial_state = as_state(self.cell, initial_state) if given else self.carried_state(len(x))
        if mask is None and reset_mask is None and self._predicts_one_step(x, training):
            return self._one_step(x, initial_state), None
        cell, params, rows = self.cell, self.params, x if isinstance(x, lookup.DeferredLookup) else None
        if dropout:
            params, x = params | {"kernel": dropout.kernel(params["kernel"])}, dropout.inputs(np.asarray(x))
        elif rows is not None:
            cell, params = reading(cell, *x.table.shape), behind(x.table, params)
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
            self._memory.state = tree_map(np.copy, run.state)
        repeated = None if mask is None or self.zero_output_for_mask else self._in_reading_order(mask)
        in_state = self._output_is_state(mask, repeated, reset_mask)
        output = at(run.state, place_of_output(self.cell)) if in_state else self._outputs(run, repeated, initial_state)
        if self.return_state:
            output = [output, *as_list(run.state)]
        return output, Saved(run, rows, repeated, in_state, dropout, given)

    def _predicts_one_step(self, x, training):
        """Return whether the weights are packed for such a pass: see `with_fixed_params`."""
        if training or not isinstance(self.params, FixedParams) or self.device != "cpu" or x.shape[1] != 1:
            return False
        rows = isinstance(x, lookup.DeferredLookup)
        return not (rows and multiplies_table(self.cell, self.params, x.table, x.tokens.size, self.device))

    def _one_step(self, x, state):
        """Run one step, with the weights packed once."""
        params: Any = self.params
        prepared = params.once("prepared", lambda: prepare(self.cell, params))
        output, state = prepared.step(np.asarray(x)[:, 0], state)
        if self.stateful:
            self._memory.state = state
        output = output[:, None] if self.return_sequences else output
        return [output, *as_list(state)] if self.return_state else output

    def _output_is_state(self, mask, repeated, reset_mask):
        """Return whether the output can be taken out of the final state."""
        repeats_h = repeated is not None and not self.unroll and reset_mask is None
        return not self.return_sequences and place_of_output(self.cell) is not None and (mask is None or repeats_h)

    def _outputs(self, run, repeated, initial_state):
        """Make the output from those of all steps."""
        where, outputs = place_of_output(self.cell), self._in_reading_order(run.outputs)
        if repeated is not None:
            before = None if where is None or self.unroll or initial_state is None else at(initial_state, where)
            outputs = repeat(outputs, repeated, np.zeros_like(outputs[:, 0]) if before is None else before)
        return outputs if self.return_sequences else outputs[:, -1]

    def backward(self, saved: Any, d_output: Any) -> tuple[Any, dict[str, np.ndarray]]:
        """Compute the gradients of a pass by backpropagation through time.

        Parameters
        ----------
        saved : object
            What `forward` returned.
        d_output : array or list of array or None
            Gradient of the loss with respect to the output, like the output; None for an item without gradient in the
            list of ``return_state``.

        Returns
        -------
        d_x : array (batch, steps, features), or list
            Gradient with respect to the inputs; None for integers. With an ``initial_state`` it is a list of that and
            of the gradients with respect to these states.
        d_params : dict
            {name: array}, the gradients with respect to the parameters.
        """
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
                d_x = lookup.LookupGradient(lookup.backward(saved.rows.table, saved.rows.tokens, d_x))
        elif saved.rows is not None:
            d_x, d_params = lookup.LookupGradient(d_params["embedding"]), part("cell", d_params)
        if not saved.initial_state_given:
            return d_x, d_params
        d_initial = grads.initial_state
        if d_before is not None and where is not None and not self.unroll:
            d_initial = added(d_initial, sizes, where, d_before)
        return [d_x, *as_list(d_initial)], d_params

    def plan_memory(self, memory: PlannedMemory, x: Any) -> tuple[Any, Callable[..., Any]]:
        self._expect(self.device == "cpu", "device='cpu', if its memory is to be planned", repr(self.device))
        self._expect(self.has_one_output, "one output, if its memory is to be planned", "several")
        batch, steps, *features = x.shape
        cell, rows = self.cell, x.rows
        if self.dropout:
            read = x.hold(memory, "inputs") if rows else None
            x.hold(memory, "inputs", self.dropout_masks)
            memory.release(read)
            rows, features = None, [self.dropout_masks * x.shape[2]]
        inputs = PlannedInputs(steps, batch, features[0] if features else 1, self.dtype, x.masked)
        if rows:
            cell = reading(cell, rows, inputs.features)
        elif x.masked:
            inputs.array(memory, "inputs", inputs.features)
            memory.release(x.held)
        backward_of_cell = cell.plan_memory(memory, inputs, RunOptions(training=True))
        of_steps = PlannedArray((batch, steps, cell.output_size), self.dtype, x.masked, time_major=True)
        repeats = x.masked and not self.zero_output_for_mask
        in_state = self._output_is_state(x.masked or None, repeats or None, None)
        if repeats and not in_state:
            of_steps = of_steps._replace(held=of_steps.hold(memory, "outputs"))

        def backward() -> Any:
            made = (repeats or not self.return_sequences) and not in_state
            d_outputs = of_steps.hold(memory, "gradients of outputs") if made else None
            backward_of_cell()
            memory.release(d_outputs)
            if not self.dropout:
                return NOTHING  # it is among the cell's results
            memory.release(x.hold(memory, "gradients of inputs", self.dropout_masks))
            return x.hold(memory, "gradients of inputs")

        last = PlannedArray((batch, cell.output_size), self.dtype)
        return of_steps if self.return_sequences else last, backward

    def reset_states(self, states: Any = None, rows: Any = None) -> None:
        """Forget or set the state of a stateful layer.

        Parameters
        ----------
        states : list of array (batch, units), optional
            New states, h first.
        rows : array_like, optional
            Booleans (batch,) or indices of the rows whose state becomes zero; by default all.

        Raises
        ------
        InputError
            Rows or states do not fit, or both are given.
        """
        if states is None and rows is None:
            self.state = None
        elif rows is None:
            self._expect(self.built, "a built layer to set the states of", "one without parameters")
            self.state = tree_map(
                lambda s: np.array(plain_array(self.name, "states", s), self.dtype), as_state(self.cell, states)
            )
        elif states is not None:
            raise InputError(f"{self.name}: reset_states expects states or rows, got both")
        elif self.state is not None:
            ended = self._among_rows(rows)
            for s in tree_leaves(self.state):
                s[ended] = 0

    reset_state = reset_states  # Keras 3's name

    def end_rows(self, rows: Any) -> None:
        """Drop the state of finished sequences: the next batch has the other rows alone, in their order.

        Parameters
        ----------
        rows : array_like
            Booleans (batch,) or indices of the rows that have ended.

        Raises
        ------
        InputError
            There are no such rows.
        """
        if self.state is not None:
            goes_on = ~self._among_rows(rows)
            self.state = tree_map(lambda s: s[goes_on], self.state)

    def _among_rows(self, rows):
        """Return booleans (batch,), true for ``rows``."""
        among = np.zeros(len(tree_leaves(self.state)[0]), bool)
        try:
            among[rows] = True
        except IndexError:
            raise InputError(f"{self.name}: expected rows out of a batch of {len(among)}, got {rows!r}") from None
        return among

    def carried_state(self, batch: int) -> Any:
        """Return the state that a batch of this many rows continues from.

        Parameters
        ----------
        batch : int
            Number of rows.

        Returns
        -------
        tuple of array or None
            The state, nested like that of the cell; None for zeros.

        Raises
        ------
        InputError
            The state has another number of rows.
        """
        state = self._memory.state
        if state is not None:
            got = tuple(s.shape for s in tree_leaves(state))
            self._expect(
                got == tuple((batch, size) for size in tree_leaves(self.cell.state_size)),
                f"a batch that goes on from states of shapes {got} (reset_states() starts anew)",
                f"{batch} rows",
            )
        return state

    def get_initial_state(self, batch_size: int) -> list:
        """Make states of zeros, as `forward` takes them.

        Parameters
        ----------
        batch_size : int
            Number of rows.

        Returns
        -------
        list of array (batch_size, units)
            The states, h first; those of a stack cell by cell. They have the dtype of a built layer, else float32.
        """
        return as_list(self.cell.zero_state(batch_size, getattr(self, "dtype", "float32")))

    def _in_reading_order(self, steps: Any) -> Any:
        """Swap the order of x and the order in which the steps were read."""
        return steps[:, ::-1] if self.go_backwards and steps is not None else steps

    def _at_last_step(self, outputs, d_last):
        d_outputs = np.zeros_like(outputs)
        d_outputs[:, -1] = d_last
        return d_outputs
