"""From an encoder to a decoder: batches for teacher forcing, and the states that are handed over."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..layers import Bidirectional, Input, Layer, Masking
from ..layers.stateless import is_recurrent
from ..layers.states import as_list
from ..layers.stepwise import check_one_output, check_stepwise
from ..utils.padded import Padded
from ..utils.tree import tree_map


@dataclass(frozen=True, eq=False)
class TeacherForcingBatch:
    """A batch for an encoder-decoder, to be indexed by rows."""

    # what the encoder reads
    source: Padded
    # what the decoder reads (batch, steps, ...)
    inputs: np.ndarray
    # which of these steps count (batch, steps)
    mask: np.ndarray

    @classmethod
    def of(cls, source: Padded, target: Padded, start: np.ndarray) -> "TeacherForcingBatch":
        """Let the decoder read ``start``, then the target of the step before."""
        inputs = np.empty_like(target.values)
        inputs[:, :1], inputs[:, 1:] = start, target.values[:, :-1]
        return cls(source, inputs, np.arange(inputs.shape[1]) < target.lengths[:, None])

    @property
    def lengths(self):
        """How many steps both parts read for each row (batch,)."""
        return self.source.lengths + self.mask.sum(axis=1)

    @property
    def steps(self):
        """The number of steps of each target, with its padding."""
        return self.inputs.shape[1]

    def trimmed(self):
        """Drop the steps behind the longest source, and behind the longest target; one step stays."""
        steps = max(1, self.mask.sum(axis=1).max(initial=0))
        return TeacherForcingBatch(self.source.trimmed(), self.inputs[:, :steps], self.mask[:, :steps])

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, rows):
        return TeacherForcingBatch(self.source[rows], self.inputs[rows], self.mask[rows])


def merged_sizes(layer):
    """Return the sizes of the states that a recurrent layer hands over."""
    if not isinstance(layer, Bidirectional):
        return as_list(layer.cell.state_size)
    first, second = (as_list(part.cell.state_size) for part in layer.parts.values())
    return list(tree_map(lambda a, b: a + b, first, second))


def merge_directions(layer, states):
    """Return the states for the decoder; those of both directions stand side by side."""
    if not isinstance(layer, Bidirectional):
        return states
    half = len(states) // 2
    return list(tree_map(lambda a, b: np.concatenate([a, b], axis=1), states[:half], states[half:]))


def split_directions(layer, d_states):
    """Return the gradients of the layer's own states: the transpose of `merge_directions`."""
    if not isinstance(layer, Bidirectional):
        return d_states
    first = as_list(layer.layer.cell.state_size)
    return [
        *tree_map(lambda d, size: d[:, :size], d_states, first),
        *tree_map(lambda d, size: d[:, size:], d_states, first),
    ]


def check_parts(caller, encoder, decoder):
    """Raise `InputError` unless the decoder's layers can continue from the encoder's states."""
    if not encoder or not is_recurrent(encoder[-1]):
        raise InputError(f"{caller}: expected an encoder that ends with a recurrent layer, got {_kinds(encoder)}")
    if not decoder or not all(isinstance(layer, Layer) for layer in decoder):
        raise InputError(f"{caller}: expected layers such as LSTM(10) for the decoder, got {_kinds(decoder)}")
    check_one_output(caller, encoder)
    check_stepwise(caller, decoder)
    if any(isinstance(layer, Input | Masking) or getattr(layer, "mask_zero", False) for layer in decoder):
        raise InputError(
            f"{caller}: expected a decoder without Input, Masking and mask_zero: its inputs are its own outputs, and "
            "the lengths of targets say what counts"
        )
    if not all(layer.return_sequences for layer in decoder if is_recurrent(layer)):
        raise InputError(f"{caller}: expected return_sequences=True of the decoder's recurrent layers")
    if any(getattr(layer, "stateful", False) for layer in (*encoder, *decoder)):
        raise InputError(f"{caller}: expected layers that are not stateful")
    sizes = [list(map(merged_sizes, filter(is_recurrent, side))) for side in (encoder, decoder)]
    if sizes[0] != sizes[1]:
        raise InputError(
            f"{caller}: expected as many recurrent layers in the decoder, with states of the sizes {sizes[0]}, got "
            f"{sizes[1]}"
        )


def _kinds(layers):
    return ", ".join(type(layer).__name__ for layer in layers) or "none"
