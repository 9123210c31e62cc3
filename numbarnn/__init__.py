"""numbarnn: recurrent neural networks as Numba kernels, with every gradient proven.

Editors and type checkers read `__init__.pyi`, which lists the same names; a test compares the two.
"""

from importlib import import_module

from .cells import CELLS, COMPOSITE_CELLS, Cell, LSTMBlockWrapper
from .errors import InputError
from .rnn.run import Gradients, Run, forward
from .rnn.unroll import (
    StateSaver,
    Unrolled,
    bidirectional_dynamic_rnn,
    dynamic_rnn,
    raw_rnn,
    reverse_sequence,
    stack_bidirectional_dynamic_rnn,
    stack_time,
    static_bidirectional_rnn,
    static_rnn,
    static_state_saving_rnn,
    unstack_time,
)
from .wrappers import WRAPPERS

__version__ = "0.1.0"
globals().update(CELLS | COMPOSITE_CELLS | WRAPPERS)

# those that are part of the interface
MODULES = (
    "activations",
    "callbacks",
    "cells",
    "checkpoint",
    "constraints",
    "datasets",
    "distributed",
    "initializers",
    "inspection",
    "interop",
    "jax",
    "keras",
    "layers",
    "losses",
    "maths",
    "metrics",
    "models",
    "optimizers",
    "recipes",
    "regularizers",
    "sklearn",
    "torch",
    "wrappers",
)

# that are imported when they are first used, and where each is
NAMES = {
    "Checkpoints": "training.checkpoints",
    "EncoderDecoder": "models.encoder_decoder",
    "Model": "models.functional",
    "Padded": "utils.padded",
    "Sequential": "models.sequential",
    "Sweep": "sweeps.result",
    "contiguous_batches": "datasets.contiguous",
    "flatten": "utils.flat",
    "generate": "models.generation",
    "generate_from_windows": "models.generation",
    "load_model": "models.loading",
    "memory_plan": "inspection.memory",
    "prepare": "rnn.prepared",
    "show_versions": "runtime.versions",
    "sweep": "sweeps.run",
    "truncated_bptt": "rnn.streaming",
    "truncation_bias": "rnn.bias_report",
    "unflatten": "utils.flat",
}

__all__ = [
    "Cell",
    "Gradients",
    "InputError",
    "LSTMBlockWrapper",
    "Run",
    "StateSaver",
    "Unrolled",
    "__version__",
    "bidirectional_dynamic_rnn",
    "dynamic_rnn",
    "forward",
    "raw_rnn",
    "reverse_sequence",
    "stack_bidirectional_dynamic_rnn",
    "stack_time",
    "static_bidirectional_rnn",
    "static_rnn",
    "static_state_saving_rnn",
    "unstack_time",
]
__all__ = sorted([*__all__, *CELLS, *COMPOSITE_CELLS, *WRAPPERS, *MODULES, *NAMES])


def __getattr__(name):
    """The Keras face is imported when it is first used."""
    if name in MODULES:
        return import_module(f".{name}", __name__)
    if name in NAMES:
        return getattr(import_module(f".{NAMES[name]}", __name__), name)
    raise AttributeError(f"module 'numbarnn' has no attribute {name!r}")


def __dir__():
    return __all__
