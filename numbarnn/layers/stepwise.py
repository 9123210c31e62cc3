"""Which layers can go on from step to step."""

from ..errors import InputError
from .bidirectional import Bidirectional
from .flatten import Flatten
from .repeat_vector import RepeatVector
from .vector_to_sequence import VectorToSequence

NEED_ALL_STEPS = (Bidirectional, Flatten, RepeatVector, VectorToSequence)


def check_stepwise(caller, layers):
    """Raises `InputError` unless a step of the output depends on the input up to that step alone."""
    for layer in layers:
        if isinstance(layer, NEED_ALL_STEPS) or getattr(layer, "go_backwards", False):
            kind = f"{type(layer).__name__}{' with go_backwards' if not isinstance(layer, NEED_ALL_STEPS) else ''}"
            raise InputError(
                f"{caller}: expected layers that can go on step by step, got {kind}, which needs all steps"
            )
