"""TensorFlow's names for the options of cells, where they mean the same."""

import inspect
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, overload

from ..errors import InputError
from ..ops import activations

T = TypeVar("T")
RENAMED = {"num_units": "units", "cell_size": "units"}
HERE = {  # what TensorFlow's graph needs, and what takes its place
    "name": "parameters have the names of init_params",
    "reuse": "cells share parameters when they are given the same params",
    "dtype": "the dtype is that of the params: init_params(input_size, dtype=...)",
    "trainable": "what is trained is what the optimizer is given",
    "input_size": "the width of the inputs is an argument of init_params",
    "initializer": "fresh parameters are what init_params makes: assign others to them",
    "kernel_initializer": 'initializer={"kernel": ..., "recurrent_kernel": ...} makes them',
    "recurrent_initializer": 'initializer={"recurrent_kernel": ...} makes it',
    "bias_initializer": 'initializer={"bias": ...} makes it',
    "seed": "random numbers are those of rng, an argument of nr.forward",
    "num_proj_shards": "no parameter is cut into shards",
    "num_unit_shards": "no parameter is cut into shards",
    "dropout_state_filter_visitor": "dropout_state_filter is a function of a state's name",
}


class TakesTensorFlowNames(type):
    """The metaclass of cells: their constructors take TensorFlow's names of options too.

    A plain cell of several states also takes TensorFlow's ``state_is_tuple``: with False its states are one array.
    """

    @property
    def __signature__(cls):
        """The constructor's own parameters, for `help` and editors."""
        own = inspect.signature(cls.__init__)
        return own.replace(parameters=list(own.parameters.values())[1:])

    # For type checkers: TensorFlow's options, whose cell they know nothing of; all others are those of the constructor.
    @overload
    def __call__(cls, *, num_units: int, **options: Any) -> Any: ...
    @overload
    def __call__(cls, *args: Any, state_is_tuple: bool, **options: Any) -> Any: ...
    @overload
    def __call__(cls: type[T], *args: Any, **options: Any) -> T: ...

    def __call__(cls, *args, **options):
        options = in_names_of(cls, options)
        if not takes_state_is_tuple(cls) or "state_is_tuple" not in options:
            return super().__call__(*args, **options)
        is_tuple = options.pop("state_is_tuple")
        if not isinstance(is_tuple, bool):
            raise InputError(f"{cls.__name__}: expected state_is_tuple to be True or False, got {is_tuple!r}")
        cell = super().__call__(*args, **options)
        return cell if is_tuple else in_one_array(cell)


def takes_state_is_tuple(kind):
    """Say whether a class has several states, and no option of its own to put them into one array."""
    states = getattr(kind, "states", ())
    return (
        isinstance(states, tuple)
        and len(states) > 1
        and "state_is_tuple" not in getattr(kind, "__dataclass_fields__", {})
    )


def in_one_array(cell):
    """Return the cell with its states side by side in one array."""
    from ..wrappers.concatenated_state import ConcatenatedState

    return ConcatenatedState(cell)


def in_names_of(kind, options):
    """Return the options of a class of cells under its own names; raise `InputError` for one without a counterpart."""
    if not options or not is_dataclass(kind):
        return options
    own, options = {field.name for field in fields(kind) if field.init}, dict(options)
    for word in options.keys() - own:
        value, name = options[word], RENAMED.get(word)
        if name in own:
            if name in options:
                raise InputError(f"{kind.__name__}: expected {name} or {word} (TensorFlow's), got both")
            options[name] = options.pop(word)
        elif word in HERE:
            if value is not None:
                raise InputError(f"{kind.__name__}: {word} is an option of TensorFlow; here {HERE[word]}")
            del options[word]
    for word in ("activation", "recurrent_activation", "output_activation"):
        if word in own and options.get(word) is not None:
            options[word] = activations.name_of(kind.__name__, options[word])
    return options
