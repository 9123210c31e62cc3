"""Which layers can go on from step to step, and which give one array."""

from ..errors import InputError
from .bidirectional import Bidirectional
from .concatenate import Concatenate
from .flatten import Flatten
from .repeat_vector import RepeatVector
from .vector_to_sequence import VectorToSequence

NEED_ALL_STEPS = (Bidirectional, Flatten, RepeatVector, VectorToSequence)


def check_one_output(caller, layers):
    """Raises `InputError` if a layer has several outputs."""
    for layer in layers:
        if not layer.has_one_output:
            raise InputError(f"{caller}: expected layers with one output, got {layer.name} with several")


def check_stepwise(caller, layers):
    """Raises `InputError` unless a step of the output depends on the input up to that step alone."""
    check_one_output(caller, layers)
    for layer in layers:
        if isinstance(layer, Concatenate) and layer.built and layer.axis % len(layer.output_shape) == 1:
            raise InputError(f"{caller}: expected layers that can go on step by step, got {layer!r} along the steps")
        if isinstance(layer, NEED_ALL_STEPS) or getattr(layer, "go_backwards", False):
            kind = f"{type(layer).__name__}{' with go_backwards' if not isinstance(layer, NEED_ALL_STEPS) else ''}"
            raise InputError(
                f"{caller}: expected layers that can go on step by step, got {kind}, which needs all steps"
            )
