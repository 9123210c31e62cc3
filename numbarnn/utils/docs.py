"""Documentation that classes inherit: each option is described once, and `help` of every subclass shows it."""

import inspect
import re
from typing import TypeVar

T = TypeVar("T", bound=type)

SECTION = re.compile(r"\n\n(?=\w[\w ]*\n-{3,}\n)")
ENTRY = re.compile(r"^(\w.*?) : .*(?:\n(?:    .*)?)*", re.MULTILINE)
ORDER = ("Parameters", "Attributes", "Returns", "Raises", "Notes", "References", "Examples")  # numpydoc's
WHOLE = ("Raises", "Notes")  # a class without these sections has those of its nearest base class


def inherit_parameters(cls: T) -> T:
    """Complete a class's docstring from those of its base classes.

    Parameters
    ----------
    cls : type
        A class whose docstring has numpydoc sections. Afterwards "Parameters" describes every parameter of the
        constructor that the class or one of its bases describes, in the order of the signature; "Raises" and "Notes"
        are those of the nearest base class unless the class has its own.

    Returns
    -------
    type
        The class itself.
    """
    if cls.__doc__ is None:  # python -OO
        return cls
    docs = [sections(inspect.cleandoc(base.__doc__ or "")) for base in reversed(cls.__mro__[:-1])]
    text, found = docs[-1]
    known: dict[str, str] = {}
    for _, of_base in docs:
        known |= entries(of_base.get("Parameters", ""))
    for name in WHOLE:
        found[name] = next((of_base[name] for _, of_base in reversed(docs) if name in of_base), "")
    listed = [known[name] for name in inspect.signature(cls).parameters if name in known]
    found["Parameters"] = "\n".join(["Parameters", "-" * 10, *dict.fromkeys(listed)]) if listed else ""
    cls.__doc__ = "\n\n".join([text, *(found[name] for name in ORDER if found.get(name))]) + "\n"
    return cls


def sections(doc: str) -> tuple[str, dict[str, str]]:
    """Split a docstring into the text ahead of its sections, and {name: section with its heading}."""
    text, *parts = SECTION.split(doc.rstrip())
    return text, {part.partition("\n")[0]: part for part in parts}


def entries(section: str) -> dict[str, str]:
    """Split a section "Parameters" into {name: its lines}; "a, b : float" is found under both names."""
    return {name: entry[0].rstrip() for entry in ENTRY.finditer(section) for name in entry[1].split(", ")}
