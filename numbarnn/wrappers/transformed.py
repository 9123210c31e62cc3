"""Plain cells with other equations: a class in front of a cell's own declares what changes."""

from dataclasses import dataclass, fields
from functools import cache

from ..cells.base import Cell
from ..errors import InputError


@cache
def transformed_class(change, kind):
    return dataclass(frozen=True)(type(kind.__name__, (change, kind), {}))


def transformed(change, cell, **options):
    """The plain cell with the class `change` in front of its own; `options` are those of that class."""
    own = {field.name: getattr(cell, field.name) for field in fields(cell) if field.init}
    return transformed_class(change, type(cell))(**own, **options)


def expect_plain(wrapper, cell):
    if not isinstance(cell, Cell):
        who, inside = type(wrapper).__name__, type(cell).__name__
        raise InputError(f"{who}: expected a plain cell such as LSTMCell(units), got a {inside}; wrap the cells in it")


def expect_rates(wrapper, **rates):
    for name, rate in rates.items():
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1:
            raise InputError(f"{type(wrapper).__name__}: expected {name} in [0, 1), got {rate!r}")
