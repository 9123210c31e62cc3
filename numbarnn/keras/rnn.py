"""`RNN`: any cell as a layer of Keras 3, on PyTorch and on JAX."""

import random
from typing import Any

import keras  # pyright: ignore[reportMissingImports]  # an extra

from ..cells.rnn_cell import RNNCell
from ..errors import InputError
from ..rnn.arguments import check_cell, check_truth_values
from ..utils.config import decoded, encoded
from ..utils.tree import tree_leaves, tree_unflatten

BACKENDS = "torch", "jax"


@keras.saving.register_keras_serializable(package="numbarnn")
class RNN(keras.layers.Layer):
    """Run a cell over sequences in a model of Keras, with numbarnn's kernels forward and backward.

    Keras has to run on PyTorch or on JAX. Its own layers, optimisers, `fit`, masks, and files of models stay as they
    are. Cells that draw random numbers do so in training, with Keras' seeds.

    Parameters
    ----------
    cell : RNNCell
        A cell, plain or composite, such as ``nr.LSTMCell(64)``.
    return_sequences : bool, default False
        Whether the output is that of every step, and not that of each row's last valid step. At masked steps it is
        zero.
    return_state : bool, default False
        Whether the layer also returns its final states: a list of the output and the states, h first.
    go_backwards : bool, default False
        Whether the sequence is read from its end. Outputs, and their mask, are in the order of reading.
    seed : int, optional
        Seed of fresh weights and of dropout; by default Keras draws it, and ``keras.utils.set_random_seed`` repeats it.
    **options
        Options of ``keras.layers.Layer``: ``name``, ``dtype``, ``trainable``.

    Raises
    ------
    InputError
        If an argument is not what is expected, or Keras runs on another backend.
    ImportError
        Keras is missing (the extra "keras").

    Examples
    --------
    >>> model = keras.Sequential([nr.keras.RNN(nr.LSTMCell(64, use_peepholes=True)), keras.layers.Dense(10)])
    """

    def __init__(
        self,
        cell: RNNCell,
        *,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        seed: int | None = None,
        **options: Any,
    ):
        if keras.backend.backend() not in BACKENDS:
            raise InputError(
                "nr.keras.RNN: expected Keras on PyTorch or JAX (the environment variable KERAS_BACKEND=torch or jax), "
                f"got {keras.backend.backend()}"
            )
        check_cell("nr.keras.RNN", cell)
        flags = {"return_sequences": return_sequences, "return_state": return_state, "go_backwards": go_backwards}
        check_truth_values("nr.keras.RNN", **flags)
        super().__init__(**options)
        self.cell, self.seed, self.supports_masking = cell, seed, True
        self.return_sequences, self.return_state, self.go_backwards = return_sequences, return_state, go_backwards
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Make the parameters.

        Parameters
        ----------
        sequences_shape : tuple
            Shape of the inputs.
        initial_state_shape : list of tuple, optional
            Shapes of the initial states.
        """
        seed = random.randrange(1 << 31) if self.seed is None else self.seed  # as Keras draws a seed
        features = None if self.cell.takes_integers else sequences_shape[-1]
        fresh = self.cell.init_params(features, seed, self.variable_dtype)  # pyright: ignore[reportArgumentType]
        self.cell_weights = {name: self._weight(name, value) for name, value in fresh.items()}

    def _weight(self, name, value):
        def initial(shape, dtype=None):
            return keras.ops.convert_to_tensor(value, dtype)

        # a variable's name has no slash in Keras
        return self.add_weight(name=name.replace("/", "_"), shape=value.shape, initializer=initial)

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        """Compute the shape of the output.

        Parameters
        ----------
        sequences_shape : tuple
            Shape of the inputs.
        initial_state_shape : list of tuple, optional
            Shapes of the initial states.

        Returns
        -------
        tuple or list of tuple
            The shape; with ``return_state`` a list of it and the shapes of the states.
        """
        batch, width = sequences_shape[0], self.cell.output_size
        output = (batch, sequences_shape[1], width) if self.return_sequences else (batch, width)
        states = [(batch, size) for size in tree_leaves(self.cell.state_size)]
        return [output, *states] if self.return_state else output

    def compute_mask(self, sequences: Any, mask: Any = None) -> Any:
        """Compute the mask of the output, in the order of reading.

        Parameters
        ----------
        sequences : tensor (batch, steps, features)
            Inputs.
        mask : tensor (batch, steps) of bool, optional
            Their mask.

        Returns
        -------
        tensor or None, or list
            The mask; None for the last output. With ``return_state`` a list of it and None for each state.
        """
        mask = keras.tree.flatten(mask)[0] if self.return_sequences else None
        output = None if mask is None else self._in_reading_order(mask)
        return [output, *(None for _ in tree_leaves(self.cell.state_size))] if self.return_state else output

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False) -> Any:
        """Run the cell over a batch of sequences.

        Parameters
        ----------
        sequences : tensor (batch, steps, features)
            Inputs; integers (batch, steps) for a cell that takes those.
        initial_state : list of tensor (batch, size), optional
            The states before the first step, h first; those of a composite cell part by part. Zeros by default.
        mask : tensor (batch, steps) of bool, optional
            Valid steps; Keras passes on that of the layer before.
        training : bool, default False
            Whether cells that draw random numbers do so.

        Returns
        -------
        tensor (batch, output_size) or (batch, steps, output_size), or list
            The output; with ``return_state`` a list of it and the final states.
        """
        params = {name: weight.value for name, weight in self.cell_weights.items()}
        state = None
        if initial_state is not None:
            state = tree_unflatten(self.cell.state_size, keras.tree.flatten(initial_state))
        seed = self.seed_generator.next() if training else None
        run = on_jax if keras.backend.backend() == "jax" else on_torch
        outputs, state = run(self.cell, params, sequences, state, mask, self.go_backwards, seed)
        outputs = self._in_reading_order(outputs)
        if not self.return_sequences:
            outputs = last_valid(outputs, None if mask is None else self._in_reading_order(mask))
        return [outputs, *tree_leaves(state)] if self.return_state else outputs

    def _in_reading_order(self, steps):
        return keras.ops.flip(steps, axis=1) if self.go_backwards else steps

    def get_config(self) -> dict[str, Any]:
        """Return the options; the cell as ``cell.get_config`` writes it."""
        names = "return_sequences", "return_state", "go_backwards", "seed"
        own = {name: getattr(self, name) for name in names}
        return super().get_config() | own | {"cell": encoded("nr.keras.RNN: cell", self.cell)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RNN":
        """Make a layer of what `get_config` returned; cells of one's own are among ``get_custom_objects()``."""
        return cls(**config | {"cell": decoded(config["cell"], keras.saving.get_custom_objects())})


def on_jax(cell: RNNCell, params: Any, x: Any, state: Any, mask: Any, reverse: bool, seed: Any) -> Any:
    """Run a cell on arrays of JAX."""
    from ..jax.recurrence import rnn

    return rnn(cell, reverse=reverse)(params, x, state, mask=mask, key=seed)


def on_torch(cell: RNNCell, params: Any, x: Any, state: Any, mask: Any, reverse: bool, seed: Any) -> Any:
    """Run a cell on tensors of PyTorch."""
    from ..torch.function import recurrence

    number = None if seed is None else int(seed[0]) % (1 << 32) << 32 | int(seed[1]) % (1 << 32)
    return recurrence(cell, params, x, state, mask=mask, reverse=reverse, seed=number)


def last_valid(outputs: Any, mask: Any) -> Any:
    """Return the output of each row's last valid step; that of a row without one, which is zero."""
    if mask is None:
        return outputs[:, -1]
    steps = keras.ops.arange(outputs.shape[1])
    last = keras.ops.max(keras.ops.where(mask, steps[None], 0), axis=1)
    return keras.ops.take_along_axis(outputs, last[:, None, None], axis=1)[:, 0]
