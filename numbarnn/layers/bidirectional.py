"""A recurrent layer in both directions."""

import warnings
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..runtime.planned_memory import NOTHING, PlannedMemory
from ..utils.docs import inherit_parameters
from ..utils.types import Seed, Shape
from .recurrent import Recurrent
from .states import as_list
from .wrapper import Wrapper

MERGES = ("concat", "sum", "mul", "ave", None)


@inherit_parameters
@dataclass(eq=False, repr=False)
class Bidirectional(Wrapper):
    """Run a recurrent layer in both directions.

    Parameters
    ----------
    layer : Recurrent
        A recurrent layer such as ``LSTM(10)``, of which a copy runs.
    merge_mode : {"concat", "sum", "mul", "ave", None}, default "concat"
        How the two outputs become one; "ave" is their mean, None a list of both.
    backward_layer : Recurrent, optional
        The layer that reads from the end; by default a copy of ``layer`` that does so.

    Notes
    -----
    Input: floats (batch, steps, features). Output: (batch, units), or (batch, steps, units) with ``return_sequences``
    of the layer; twice as wide with "concat". With its ``return_state`` it is a list: output, states of the first,
    states of the second layer. Weights: forward/..., backward/... .

    Outputs of all steps are in the order of the first layer; without ``return_sequences`` the backward one is the
    output after it has read the first step. With a mask (batch, steps) and ``return_sequences`` the output at masked
    steps is zero, as in Keras.

    References
    ----------
    Schuster, Paliwal (1997), "Bidirectional recurrent neural networks".
    """

    layer: Recurrent
    merge_mode: str | None = "concat"
    _: KW_ONLY
    backward_layer: Recurrent | None = None

    reads_rows = True

    def __post_init__(self):
        super().__post_init__()
        layer, other = self.layer, self.backward_layer
        for each in (layer, other or layer):
            self._expect(isinstance(each, Recurrent), "a recurrent layer such as LSTM(10)", repr(each))
            self._expect(each.activity_regularizer is None, "activity_regularizer on itself", "one on its layer")
        self._expect(self.merge_mode in MERGES, f"merge_mode out of {MERGES}", repr(self.merge_mode))
        mirrored = other is None
        zeros = {"zero_output_for_mask": layer.return_sequences}
        other = replace(layer, go_backwards=not layer.go_backwards, name=None) if other is None else other
        self._take_in(forward=replace(layer, **zeros), backward=replace(other, **zeros))
        self.layer, self.backward_layer = self.parts.values()
        self._is_mirrored = mirrored
        self._check_options()

    def options(self) -> dict[str, Any]:
        hidden = "backward_layer" if self._is_mirrored else None
        return {name: value for name, value in super().options().items() if name != hidden}

    def get_config(self) -> dict[str, Any]:
        config, (first, second) = super().get_config(), self.parts.values()
        mirrored = self._is_mirrored and first.trainable == second.trainable
        return config | {"backward_layer": None} if mirrored else config

    def _check_options(self):
        first, second = self.parts.values()
        for option in ("return_sequences", "return_state", "stateful"):
            values = getattr(first, option), getattr(second, option)
            self._expect(values[0] == values[1], f"layers with the same {option}", f"{values[0]} and {values[1]}")
        opposite = first.go_backwards != second.go_backwards
        self._expect(opposite, "layers of opposite go_backwards", f"{first.go_backwards} twice")
        sizes = first.cell.output_size, second.cell.output_size
        same = sizes[0] == sizes[1] or self.merge_mode in ("concat", None)
        self._expect(same, f"layers with outputs of one size to {self.merge_mode}", f"{sizes[0]} and {sizes[1]}")
        if self.stateful:
            message = f"{self.name}: the backward layer goes on from a batch that lies before what it reads"
            warnings.warn(message, stacklevel=4)

    @property
    def return_sequences(self) -> bool:
        """Whether the output is that of every step."""
        return self.layer.return_sequences

    @property
    def return_state(self) -> bool:
        """Whether the layer also returns its final states."""
        return self.layer.return_state

    @property
    def stateful(self) -> bool:
        """Whether a batch continues from the states of the batch before."""
        return self.layer.stateful

    @property
    def takes_integers(self) -> bool:
        """Whether the inputs are integers."""
        return self.layer.takes_integers

    @property
    def has_one_output(self) -> bool:
        """Whether the output is one array."""
        return self.layer.has_one_output and self.merge_mode is not None

    @property
    def state_sizes(self) -> list:
        """The sizes of the states: those of the first, then those of the second layer."""
        return [size for part in self.parts.values() for size in part.state_sizes]

    def compute_output_shape(self, input_shape: Shape) -> Any:
        shapes = [part.compute_output_shape(input_shape) for part in self.parts.values()]
        (first, *states), (second, *others) = shapes if self.return_state else ([shape] for shape in shapes)
        merged = (*first[:-1], first[-1] + second[-1]) if self.merge_mode == "concat" else first
        if self.merge_mode is None:
            return [first, second, *states, *others]
        return [merged, *states, *others] if self.return_state else merged

    def init_params(self, input_shape: Shape, rng: np.random.Generator, dtype: "DTypeLike") -> dict[str, np.ndarray]:
        return self._build_parts(input_shape, rng, dtype)

    def compute_mask(self, x: Any, mask: np.ndarray | None = None) -> Any:
        merged = self.layer.compute_mask(x, mask)
        return merged if self.merge_mode else [merged, merged]

    def forward(
        self,
        x: Any,
        training: bool = False,
        rng: Seed | None = None,
        mask: np.ndarray | None = None,
        initial_state: Any = None,
    ) -> tuple[Any, Any]:
        """Run both layers over a batch of sequences.

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
            The states before the first step: those of the first, then those of the second layer. Zeros by default.

        Returns
        -------
        output : array (batch, units) or (batch, steps, units)
            The output; a list with ``return_state`` or without a ``merge_mode``.
        saved : object
            What `backward` needs.

        Raises
        ------
        InputError
            Inputs, mask or states do not fit.
        """
        rng = None if rng is None else np.random.default_rng(rng)
        halves = (None, None) if initial_state is None else self._halves(initial_state)
        outputs, saved, states = [], [], []
        for layer, initial in zip(self.parts.values(), halves, strict=True):
            output, kept = layer.forward(x, training, rng, mask, initial)
            output, *state = output if self.return_state else [output]
            outputs.append(self._in_order(layer, output))
            states += state
            saved.append(kept)
        output = self._merge(*outputs)
        if self.return_state:
            output = [*(output if self.merge_mode is None else [output]), *states]
        return output, (saved, outputs)

    def backward(self, saved: Any, d_output: Any) -> tuple[Any, dict[str, np.ndarray]]:
        """Compute the gradients of a pass by backpropagation through time.

        Parameters
        ----------
        saved : object
            What `forward` returned.
        d_output : array or list of array or None
            Gradient of the loss with respect to the output, like the output; None for an item of a list without
            gradient.

        Returns
        -------
        d_x : array (batch, steps, features), or list
            Gradient with respect to the inputs; None for integers. With an ``initial_state`` it is a list of that and
            of the gradients with respect to these states.
        d_params : dict
            {name: array}, the gradients with respect to the parameters.
        """
        (first, second), outputs = saved
        count = 2 if self.merge_mode is None else 1
        items = [d_output] if self.has_one_output else list(d_output)
        merged, d_states = items[:count], items[count:]
        d_outputs = merged if self.merge_mode is None else self._merge_gradient(merged[0], *outputs)
        halves = self._halves(d_states)
        results = []
        for layer, kept, d, d_state in zip(self.parts.values(), (first, second), d_outputs, halves, strict=True):
            d = self._in_order(layer, d)
            results.append(layer.backward(kept, [d, *d_state] if self.return_state else d))
        (d_x, grads), (d_x_too, grads_too) = results
        grads = self._prefixed([grads, grads_too])
        if isinstance(d_x, list):
            return [_sum(d_x[0], d_x_too[0]), *d_x[1:], *d_x_too[1:]], grads
        return _sum(d_x, d_x_too), grads

    def plan_memory(self, memory: PlannedMemory, x: Any) -> tuple[Any, Callable[..., Any]]:
        (output, first), (_, second) = (layer.plan_memory(memory, x) for layer in self.parts.values())
        shape = self.compute_output_shape(x.shape)
        self._expect(self.has_one_output, "one output, if its memory is to be planned", "several")
        merged = output._replace(shape=shape)
        merged = merged._replace(held=merged.hold(memory, "outputs"))

        def backward() -> Any:
            halves = merged.hold(memory, "gradients of outputs") if self.merge_mode in ("mul", "ave") else None
            first()
            second()
            memory.release(halves)
            return NOTHING if x.rows else x.hold(memory, "gradients of inputs")

        return merged, backward

    def _merge(self, a, b):
        if self.merge_mode is None:
            return [a, b]
        if self.merge_mode == "concat":
            return np.concatenate([a, b], axis=-1)
        if self.merge_mode == "mul":
            return a * b
        return a + b if self.merge_mode == "sum" else (a + b) / 2

    def _merge_gradient(self, d, a, b):
        """Compute the gradients of the two outputs a and b."""
        if d is None:
            return None, None
        if self.merge_mode == "concat":
            return d[..., : a.shape[-1]], d[..., a.shape[-1] :]
        if self.merge_mode == "mul":
            return d * b, d * a
        return (d, d) if self.merge_mode == "sum" else (d / 2, d / 2)

    def _in_order(self, layer: Recurrent, output: Any) -> Any:
        """Swap the order of the layer's outputs and that of the first layer's."""
        if output is None or layer is not self.backward_layer or not self.return_sequences:
            return output
        return output[:, ::-1]

    def _halves(self, states):
        half = len(as_list(self.layer.cell.state_size))
        return states[:half], states[half:]

    @property
    def state(self) -> Any:
        """The states of both layers, a pair."""
        return tuple(part.state for part in self.parts.values())

    @state.setter
    def state(self, states):
        for part, state in zip(self.parts.values(), states, strict=True):
            part.state = state

    def reset_states(self, states: Any = None, rows: Any = None) -> None:
        """Forget or set the states of stateful layers.

        Parameters
        ----------
        states : list of array (batch, units), optional
            New states: those of the first, then those of the second layer.
        rows : array_like, optional
            Booleans (batch,) or indices of the rows whose states become zero; by default all.

        Raises
        ------
        InputError
            Rows or states do not fit, or both are given.
        """
        halves = (None, None) if states is None else self._halves(states)
        for layer, half in zip(self.parts.values(), halves, strict=True):
            layer.reset_states(half, rows)

    reset_state = reset_states  # Keras 3's name

    def end_rows(self, rows: Any) -> None:
        """Drop the states of finished sequences: the next batch has the other rows alone, in their order.

        Parameters
        ----------
        rows : array_like
            Booleans (batch,) or indices of the rows that have ended.

        Raises
        ------
        InputError
            There are no such rows.
        """
        for layer in self.parts.values():
            layer.end_rows(rows)


def _sum(a, b):
    return None if a is None else a + b
