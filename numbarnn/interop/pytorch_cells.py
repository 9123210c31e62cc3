"""The names of PyTorch's recurrent modules, and the weights of cells under them.

Of the first layer they are weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0 and weight_hr_l0, the same with
"_reverse" of its other direction, with l1 of the next layer, and weight_ih ... without a number in nn.LSTMCell.
"""

import re
from collections.abc import Mapping
from typing import Any

from ..cells.rnn_cell import RNNCell
from ..errors import InputError
from ..utils.types import Arrays
from ..wrappers import Bidirectional, DropoutWrapper, MultiRNNCell
from .composites import checked, directions, levels, plain, prefixed, taken
from .convert import cell_in, cell_out, made_cell
from .layouts import listed, named_numbers
from .table import TABLE, counterpart, shown

LIBRARY = "PyTorch"
NAME = re.compile(r"((?:weight|bias)_(?:ih|hh|hr))(?:_l(\d+)(_reverse)?)?")
ROWS = {  # by the number of gates
    len(row.layouts["weight_ih"].blocks): row for row in TABLE if row.library == LIBRARY and "weight_ih" in row.layouts
}


def named(caller: str, state: Mapping[str, Any], prefix: str = "") -> Arrays:
    """Return the arrays of a state dict below a prefix, or raise `InputError`."""
    start = f"{prefix}." if prefix else ""
    own = {str(name).removeprefix(start): value for name, value in state.items() if str(name).startswith(start)}
    if not own:
        raise InputError(f"{caller}: expected names that start with {start!r}, got {listed(state)}")
    return named_numbers(caller, own)


def place_of(name: str) -> tuple[int, bool, str] | None:
    """Return layer, direction and rest of the name of an array of a recurrent module; None for another name."""
    parts = NAME.fullmatch(name)
    return (int(parts[2] or 0), bool(parts[3]), parts[1]) if parts else None


def ending(level: int, backwards: bool) -> str:
    """Return how names of one layer and direction end."""
    return f"_l{level}" + "_reverse" * backwards


def grouped(caller: str, arrays: Arrays) -> dict[tuple[int, bool], Arrays]:
    """Sort the arrays of a module by layer and direction, {(layer, whether backwards): {name: array}}."""
    groups: dict[tuple[int, bool], Arrays] = {}
    for name, array in arrays.items():
        place = place_of(name)
        if place is None:
            raise InputError(
                f"{caller}: expected names such as weight_ih_l0 and bias_hh_l1_reverse, got {name}; "
                "prefix='lstm' takes those of one module"
            )
        groups.setdefault(place[:2], {})[place[2]] = array
    return dict(sorted(groups.items()))


def arrays_of_cell(caller: str, cell: RNNCell, params: Any) -> Arrays:
    """Return the arrays of a recurrent module."""
    found, params, alike = {}, checked(caller, cell, params), set()
    for i, (prefix, level) in enumerate(levels(caller, cell)):
        if isinstance(level, Bidirectional) and level.merge_mode != "concat":
            raise InputError(f"{caller}: expected merge_mode 'concat', as PyTorch has it, got {shown(level)}")
        both = directions(level)
        for backwards, (side, inner) in enumerate(both):
            inner = plain(caller, LIBRARY, inner)
            row = counterpart(caller, LIBRARY, inner)
            arrays = cell_out(caller, row, inner, taken(prefix + side, dict(params)))
            alike.add((row.name, inner.units, inner.num_proj, len(both), len(arrays)))
            found |= {name + ending(i, bool(backwards)): array for name, array in arrays.items()}
    check_alike(caller, alike, shown(cell))
    return found


def check_alike(caller: str, alike: set, got: str) -> None:
    """Raise `InputError` if the cells of a stack differ in what PyTorch's layers of one module cannot differ in."""
    if len(alike) > 1:
        raise InputError(f"{caller}: expected cells of one kind and size, as in a module of PyTorch, got {got}")


def take_groups(caller: str, cell: RNNCell, groups: dict) -> Arrays:
    """Return the parameters of a cell out of the arrays of a module."""
    params, left = {}, dict(groups)
    for i, (prefix, level) in enumerate(levels(caller, cell)):
        for backwards, (side, inner) in enumerate(directions(level)):
            inner = plain(caller, LIBRARY, inner)
            row, arrays = counterpart(caller, LIBRARY, inner), left.pop((i, bool(backwards)), {})
            params |= prefixed(prefix + side, cell_in(caller, row, inner, arrays, ending(i, bool(backwards))))
    if left:
        (level, backwards), arrays = next(iter(left.items()))
        got = next(iter(arrays)) + ending(level, backwards)
        raise InputError(f"{caller}: expected the weights of {shown(cell)} alone, got {got} too")
    return checked(caller, cell, params)


def made_stack(caller: str, groups: dict, activation: str, dropout: float) -> RNNCell:
    """Make the cell that belongs to the arrays of a module."""
    both = any(backwards for _, backwards in groups)
    stack = []
    for level in range(1 + max(level for level, _ in groups)):
        sides = [made_plain(caller, groups, level, side, activation) for side in (False, True)[: 1 + both]]
        stack.append(Bidirectional(*sides) if both else sides[0])
    if dropout:
        stack[:-1] = [DropoutWrapper(level, output_keep_prob=1 - dropout) for level in stack[:-1]]
    return MultiRNNCell(stack) if len(stack) > 1 else stack[0]


def made_plain(caller: str, groups: dict, level: int, backwards: bool, activation: str) -> RNNCell:
    """Make the cell of one layer and direction."""
    end = ending(level, backwards)
    arrays = groups.get((level, backwards), {})
    for name in ("weight_ih", "weight_hh", *({"weight_hr"} & arrays.keys())):
        if name not in arrays or arrays[name].ndim != 2:
            raise InputError(f"{caller}: expected a matrix {name}{end}, got {listed(arrays)} of this layer")
    units = arrays.get("weight_hr", arrays["weight_hh"]).shape[-1]
    rows = len(arrays["weight_hh"])
    gates, rest = divmod(rows, max(units, 1))
    if gates not in ROWS or rest:
        raise InputError(f"{caller}: expected 1, 3 or 4 gates of {units} units, got weight_hh{end} of {rows} rows")
    options = {"activation": activation} if ROWS[gates].name == "RNN" else {}
    return made_cell(caller, ROWS[gates], arrays, **options)
