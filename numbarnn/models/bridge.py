"""From an encoder to a decoder: batches for teacher forcing, and the states that are handed over."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..layers import Bidirectional, Concatenate, Input, Layer, Masking
from ..layers.graph import Call, Graph, chain, numbered, sorted_calls, with_states
from ..layers.stateless import is_recurrent
from ..layers.stepwise import check_one_output, check_stepwise
from ..utils.padded import Padded
from ..utils.tree import tree_leaves, tree_map


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


def handing_over(encoder: list[Layer]) -> Graph:
    """Return the graph of an encoder, whose final states are those for the decoder."""
    graph = with_states(chain(encoder))
    calls, final, free = [*graph.calls], [], graph.size
    for layer, places in zip(filter(is_recurrent, encoder), graph.final, strict=True):
        if isinstance(layer, Bidirectional):
            # those of both directions side by side
            half, ours = len(places) // 2, places
            places, free = numbered(places[:half], free)
            pairs = zip(*map(tree_leaves, (ours[:half], ours[half:], places)), strict=True)
            calls += [Call(Concatenate(), (first, second), both) for first, second, both in pairs]
        final.append(places)
    return sorted_calls(calls, graph.inputs, graph.outputs, (), tuple(final))


def merged_sizes(layer):
    """Return the sizes of the states that a recurrent layer hands over."""
    if not isinstance(layer, Bidirectional):
        return layer.state_sizes
    first, second = (part.state_sizes for part in layer.parts.values())
    return list(tree_map(lambda a, b: a + b, first, second))


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
