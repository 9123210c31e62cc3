"""The one error type for bad input."""

import functools
import inspect
import math
from collections.abc import Callable
from dataclasses import InitVar
from types import UnionType
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")


class InputError(ValueError, TypeError):
    """Something a caller passed cannot be used: a shape, dtype, length, option, parameter or file.

    Raised before any kernel runs or any file changes. It is a `ValueError` and a `TypeError` as well, so callers that
    catch Python's usual types catch it too.
    """


class Terminated(SystemExit):
    """SIGTERM has come, and everything that was to be written is written; all processes of a training raise it."""


class Checked:
    """Turns unknown, missing or mistyped constructor arguments into an `InputError`.

    What is annotated as bool, int or float, or one of them and None, is True or False, an integer, or a finite number.
    """

    def __new__(cls, *args, **options):
        try:
            given = _signature(cls.__init__).bind(None, *args, **options).arguments
        except TypeError as error:
            names = ", ".join(list(_signature(cls.__init__).parameters)[1:])
            raise InputError(f"{cls.__name__}: {error}; it takes {names}") from None
        _check_plain(cls.__name__, _plain_options(cls.__init__), given)
        return super().__new__(cls)

    def __reduce__(self):
        """Copies are made without another look at the arguments, and find out again what was cached."""
        cached = {name for name in vars(self) if isinstance(getattr(type(self), name, None), functools.cached_property)}
        return object.__new__, (type(self),), {name: value for name, value in vars(self).items() if name not in cached}


def is_integer(value: Any) -> bool:
    """Say whether this is an integer, Python's or NumPy's; a bool is none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_positive_integer(value: Any) -> bool:
    """Say whether this is an integer of at least 1, Python's or NumPy's; a bool is none."""
    return is_integer(value) and value > 0


def is_number(value: Any, finite: bool = True) -> bool:
    """Say whether this is a number that a float can hold, Python's or NumPy's; NaN and a bool are none."""
    if not is_integer(value) and not isinstance(value, float | np.floating):
        return False
    try:
        return math.isfinite(value) if finite else not math.isnan(value)
    except OverflowError:
        return False


KINDS = {bool: lambda value: isinstance(value, bool | np.bool_), int: is_integer, float: is_number}
WORDS = {bool: "True or False", int: "an integer", float: "a finite number"}


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function refuse arguments that are not what their annotations say, as constructors of `Checked` do."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **options: P.kwargs) -> R:
        given = _signature(function).bind(*args, **options).arguments
        _check_plain(function.__name__, _plain_options(function), given)
        return function(*args, **options)

    return wrapper


def _check_plain(caller, options, given):
    for name, kind, optional in options:
        if name in given and not (optional and given[name] is None) and not KINDS[kind](given[name]):
            raise InputError(f"{caller}: expected {name} to be {WORDS[kind]}, got {given[name]!r}")


@functools.cache
def _signature(function):
    """Of a constructor or a function; finding it out takes as long as a small step of training."""
    try:
        return inspect.signature(function, eval_str=True)
    except NameError:  # an annotation that only type checkers can read
        return inspect.signature(function)


@functools.cache
def _plain_options(function):
    """List the arguments of one kind: (name, bool or int or float, whether None is one too)."""
    options = []
    for name, parameter in _signature(function).parameters.items():
        annotation = parameter.annotation
        annotation = annotation.type if isinstance(annotation, InitVar) else annotation
        types = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
        kinds = [kind for kind in types if kind is not type(None)]
        if len(kinds) == 1 and isinstance(kinds[0], type) and kinds[0] in KINDS:
            options.append((name, kinds[0], len(types) == 2))
    return options
