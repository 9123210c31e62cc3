"""Documentation of options that classes inherit: each is written once, and `help` of every subclass shows it."""

import inspect
import re
from typing import TypeVar

T = TypeVar("T", bound=type)

PARAMETERS = re.compile(r"Parameters\n-{10}\n(.*?)(?=\n\n\w[\w ]*\n---|\Z)", re.DOTALL)
ENTRY = re.compile(r"^(\w.*?) : .*(?:\n(?:    .*)?)*", re.MULTILINE)
NEXT_SECTION = re.compile(r"(?=\n\n\w[\w ]*\n---)")


def inherit_parameters(cls: T) -> T:
    """Complete the section "Parameters" of a class's docstring from those of its base classes.

    Parameters
    ----------
    cls : type
        Its docstring has numpydoc sections. Afterwards it describes every parameter of the constructor that the
        class or one of its bases describes, in the order of the signature.

    Returns
    -------
    type
        The class itself.
    """
    if cls.__doc__ is None:  # python -OO
        return cls
    known = {}
    for base in reversed(cls.__mro__):
        known |= entries(inspect.cleandoc(base.__doc__ or ""))
    listed = [known[name] for name in inspect.signature(cls).parameters if name in known]
    text = PARAMETERS.sub("", inspect.cleandoc(cls.__doc__)).rstrip()
    head, *sections = NEXT_SECTION.split(text, maxsplit=1)
    parameters = "\n".join(["Parameters", "-" * 10, *dict.fromkeys(listed)])
    cls.__doc__ = f"{head.rstrip()}\n\n{parameters}{''.join(sections)}\n"
    return cls


def entries(doc: str) -> dict[str, str]:
    """Split the section "Parameters" of a docstring into {name: its lines}; "a, b : float" is under both names."""
    section = PARAMETERS.search(doc)
    found = ENTRY.finditer(section[1]) if section else ()
    return {name: entry[0].rstrip() for entry in found for name in entry[1].split(", ")}
