"""What an object is made of, in the types of JSON, and the object made of that again.

A value of a constructor is a number, text, None, or a list of values; an array, a dictionary, a function and an object
are {"class": name, "config": ...}. Classes and functions of this package are named with their part, such as
"layers.LSTM"; any other name is one that the caller gives a meaning.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeAlias

import numpy as np

from ..errors import Checked, InputError
from .options import all_options, changed_options

PACKAGE = __name__.partition(".")[0]
FUNCTIONS = "constraints", "initializers", "losses", "maths", "metrics"  # parts whose functions are options

CustomObjects: TypeAlias = Mapping[str, Callable[..., Any]]


class Configured(Checked):
    """An object that the values of its constructor make again."""

    def get_config(self) -> dict[str, Any]:
        """List the values of the constructor, in the types of JSON; functions only where they are not the default.

        Returns
        -------
        dict
            {name: value} for `from_config`.

        Raises
        ------
        InputError
            If a value can neither be written nor named.
        """
        options, changed = all_options(self), changed_options(self)
        named = {name: value for name, value in options.items() if name in changed or not callable(value)}
        return {name: encoded(f"{type(self).__name__}: {name}", value) for name, value in named.items()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: CustomObjects | None = None) -> Self:
        """Make an object from what `get_config` returned.

        Parameters
        ----------
        config : dict
            {name: value}.
        custom_objects : dict of {str: class or function}, optional
            What names of one's own mean.

        Returns
        -------
        object
            A new object of this class.

        Raises
        ------
        InputError
            If a name has no meaning, or the values do not fit.
        """
        if not isinstance(config, Mapping):
            raise InputError(f"{cls.__name__}.from_config: expected a dict, got {type(config).__name__}")
        return cls(**{str(name): decoded(value, custom_objects or {}) for name, value in config.items()})


def encoded(what: str, value: Any) -> Any:
    """Write a value in the types of JSON; `what` names it in errors."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [encoded(what, item) for item in value]
    if isinstance(value, dict):
        return {"class": "dict", "config": {str(name): encoded(what, item) for name, item in value.items()}}
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return {"class": "ndarray", "config": {"dtype": value.dtype.str, "values": value.tolist()}}
    if isinstance(value, Configured):
        return {"class": name_of(type(value)), "config": value.get_config()}
    if callable(value) and getattr(value, "__qualname__", "<") == getattr(value, "__name__", None):
        return {"class": "function", "config": name_of(value)}
    raise InputError(f"{what} can not be written to a file: {value!r}; a function of a module can, by its name")


def decoded(value: Any, custom_objects: CustomObjects) -> Any:
    """Make the value that `encoded` wrote; lists become tuples."""
    if isinstance(value, list):
        return tuple(decoded(item, custom_objects) for item in value)
    if not isinstance(value, Mapping):
        return value
    if value.keys() != {"class", "config"} or not isinstance(value["class"], str):
        raise InputError(f"expected {{'class': name, 'config': values}}, got {value!r:.80}")
    name, config = value["class"], value["config"]
    if name == "dict":
        return {key: decoded(item, custom_objects) for key, item in config.items()}
    if name == "ndarray":
        return np.array(config["values"], np.dtype(config["dtype"]))
    if name == "function":
        return function(config, custom_objects)
    if name in custom_objects:
        made = custom_objects[name]
        if isinstance(made, type) and issubclass(made, Configured):
            return made.from_config(config, custom_objects)
        raise InputError(f"custom_objects: expected {name} to be a class of cells, layers or the like, got {made!r}")
    if name not in (known := classes()):
        raise InputError(_unknown("class", name))
    return known[name].from_config(config, custom_objects)


def name_of(thing: Any) -> str:
    """Name a class or function: "layers.LSTM", or without a part if it is not of this package."""
    package, *parts = thing.__module__.split(".")
    return f"{parts[0]}.{thing.__name__}" if package == PACKAGE and parts else thing.__name__


def classes() -> dict[str, type[Configured]]:
    """Return {name: class} of all public classes of this package that have been imported."""
    found, left = {}, [Configured]
    while left:
        kind = left.pop()
        left += kind.__subclasses__()
        if "." in name_of(kind) and not kind.__name__.startswith("_"):
            found[name_of(kind)] = kind
    return found


def function(name: str, custom_objects: CustomObjects) -> Callable[..., Any]:
    """Find a function by the name that `name_of` gave it."""
    if name in custom_objects:
        return custom_objects[name]
    part, _, own = str(name).rpartition(".")
    found = getattr(sys.modules.get(f"{PACKAGE}.{part}"), own, None) if part in FUNCTIONS else None
    if not callable(found) or own.startswith("_") or name_of(found) != name:
        raise InputError(_unknown("function", name))
    return found


def _unknown(kind, name):
    return f"no {kind} {name!r} is known here; give it by custom_objects={{{str(name)!r}: ...}}"
