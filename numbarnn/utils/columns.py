"""Several arrays with as many rows each, as one."""

from collections.abc import Iterable
from typing import Any

from ..errors import InputError


class Columns:
    """Several arrays or `Padded` with as many rows each, to be indexed by rows; None stands for one that is left out.

    Parameters
    ----------
    parts : iterable of (array, Padded or None)
        The arrays, at least one.
    """

    def __init__(self, parts: Iterable[Any]):
        self.parts = tuple(parts)

    def __len__(self):
        return next(len(part) for part in self.parts if part is not None)

    def __getitem__(self, rows):
        return Columns(None if part is None else part[rows] for part in self.parts)


def by_name(caller: str, what: str, names: list[str], given: Any) -> list[Any]:
    """List the parts of what is given for several inputs or outputs: a list in their order, or {name: part}.

    A dictionary may lack names: their part is None.
    """
    if isinstance(given, Columns):
        given = given.parts
    if isinstance(given, dict):
        unknown = [name for name in given if name not in names]
        if unknown:
            raise InputError(f"{caller}: expected {what} by the names {', '.join(names)}, got {unknown[0]!r}")
        return [given.get(name) for name in names]
    if not isinstance(given, list | tuple) or len(given) != len(names):
        got = f"{len(given)}" if isinstance(given, list | tuple) else type(given).__name__
        raise InputError(
            f"{caller}: expected {what} in a list of {len(names)} ({', '.join(names)}) or a dict by these names, got "
            f"{got}"
        )
    return list(given)
