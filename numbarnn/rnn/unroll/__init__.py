"""The unrolling functions of TensorFlow 1: `(cell, params, inputs, ...)` in, the pair `(outputs, state)` out.

The pair is an `Unrolled`; its `backward` computes the gradient.
"""

from .bidirectional import bidirectional_dynamic_rnn, stack_bidirectional_dynamic_rnn, static_bidirectional_rnn
from .raw import raw_rnn
from .result import Unrolled
from .rnn import dynamic_rnn, static_rnn
from .state_saving import StateSaver, static_state_saving_rnn
from .time_axis import reverse_sequence, stack_time, unstack_time

__all__ = [
    "StateSaver",
    "Unrolled",
    "bidirectional_dynamic_rnn",
    "dynamic_rnn",
    "raw_rnn",
    "reverse_sequence",
    "stack_bidirectional_dynamic_rnn",
    "stack_time",
    "static_bidirectional_rnn",
    "static_rnn",
    "static_state_saving_rnn",
    "unstack_time",
]
