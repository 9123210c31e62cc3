"""Check the docstrings of everything public: numpydoc sections, and every parameter and result described.

A method without a docstring inherits that of its base class, which is checked there.
"""

import inspect
import sys
from importlib import import_module
from importlib.util import find_spec

from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate

FOLDERS = (  # parts of the interface; their names are those of __all__, "" stands for the package
    "",
    "callbacks",
    "cells",
    "checkpoint",
    "constraints",
    "datasets",
    "distributed",
    "initializers",
    "inspection",
    "interop",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "regularizers",
    "rnn.unroll",
    "sklearn",
    "wrappers",
    *(name for name in ("torch", "jax", "keras") if find_spec(name)),
)
CHECKS = (  # numpydoc's names
    "GL03",  # blank lines
    "GL05",  # tabs
    "GL06",  # unknown section
    "GL07",  # order of sections
    "GL08",  # no docstring
    "SS01",  # no summary
    "SS02",  # capital letter
    "SS03",  # full stop
    "SS05",  # infinitive
    "PR01",  # parameters without a description
    "PR02",  # unknown parameters
    "PR03",  # order of parameters
    "PR04",  # type
    "PR07",  # description
    "PR10",  # space before the colon
    "RT01",  # no Returns
    "RT03",  # description of a result
    "YD01",  # no Yields
)


SHORT = {"PR01", "RT01", "YD01"}  # an overriding method may say in one line what it adds


def public(folder):
    """Yield the functions, classes and methods of a part of the package: (name, object, whether one line will do)."""
    module = import_module(f"numbarnn.{folder}".rstrip("."))
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.ismodule(thing):
            continue
        if not getattr(thing, "__module__", "").startswith("numbarnn."):
            continue  # an alias of a type, a table
        yield f"{folder}.{name}", thing, False
        if inspect.isclass(thing):
            yield from ((f"{folder}.{name}.{method}", value, short) for method, value, short in methods(thing))


def methods(cls):
    """Yield the public methods that a class itself defines, and whether they override documented ones."""
    for name, value in vars(cls).items():
        value = getattr(value, "__func__", value)  # of a class method
        function = getattr(value, "fget", value)  # of a property
        own = inspect.isfunction(function) and function.__module__ == cls.__module__
        option = name in getattr(cls, "__dataclass_fields__", ())  # whose default is a function
        if own and not option and (name == "__call__" or not name.startswith("_")):
            inherits = any(getattr(getattr(base, name, None), "__doc__", None) for base in cls.__mro__[1:-1])
            if value.__doc__ or not inherits:
                yield name, value, inherits


def main():
    wrong = 0
    for folder in FOLDERS:
        for name, thing, short in public(folder):
            for code, message in validate(get_doc_object(thing))["errors"]:
                if code not in CHECKS or (short and code in SHORT) or "'*args'" in message:
                    continue  # *args, **options: of `Checked.__new__`, where a class has no constructor of its own
                wrong += 1
                print(f"numbarnn.{name}: {code} {message}")
    print(f"docstrings: {wrong or 'nothing'} to report")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
