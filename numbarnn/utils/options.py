"""The options of an object: those of its constructor that differ from their defaults."""

import dataclasses
import inspect
from typing import Any


def all_options(thing: object) -> dict[str, Any]:
    """List the options of an object.

    Parameters
    ----------
    thing : object
        A dataclass, or an object whose attributes have the names of its constructor's parameters.

    Returns
    -------
    dict
        {name: value} in the order of the constructor.
    """
    return {name: getattr(thing, name, parameter.default) for name, parameter in _parameters(thing).items()}


def changed_options(thing: object) -> dict[str, Any]:
    """List the options of an object that have no default or another value.

    Parameters
    ----------
    thing : object
        A dataclass, or an object whose attributes have the names of its constructor's parameters.

    Returns
    -------
    dict
        {name: value} in the order of the constructor.
    """
    parameters = _parameters(thing)
    return {name: value for name, value in all_options(thing).items() if not _same(value, parameters[name].default)}


def call_text(thing: object, options: dict[str, Any]) -> str:
    """Write an object as the call that makes it; options without a default come first and without their names."""
    parameters = inspect.signature(type(thing)).parameters
    positional = [n for n in options if n in parameters and parameters[n].default is inspect.Parameter.empty]
    shown = [_shown(options[name]) for name in positional]
    shown += [f"{name}={_shown(value)}" for name, value in options.items() if name not in positional]
    return f"{type(thing).__name__}({', '.join(shown)})"


def _parameters(thing):
    """Return the parameters of the constructor that are fields, if it is one of a dataclass."""
    parameters = inspect.signature(type(thing)).parameters
    if dataclasses.is_dataclass(thing):
        fields = {field.name for field in dataclasses.fields(thing) if field.init}
        parameters = {name: parameter for name, parameter in parameters.items() if name in fields}
    return parameters


def _shown(value: Any) -> str:
    """Write a value; an object that has `options` as a call, whatever else its repr says."""
    return call_text(value, value.options()) if hasattr(value, "options") else repr(value)


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and bool(value == default))
