"""The scopes of TensorFlow 1's cells, and the weights of ours under their names."""

import re
from typing import Any, NamedTuple

from ..cells import BidirectionalGridLSTMCell, Cell, GLSTMCell, GridLSTMCell
from ..cells.rnn_cell import RNNCell
from ..errors import InputError
from ..utils.types import Arrays
from ..wrappers import (
    Bidirectional,
    EmbeddingWrapper,
    HighwayWrapper,
    InputProjectionWrapper,
    MultiRNNCell,
    OutputProjectionWrapper,
)
from .composites import directions, inner, levels, prefixed, taken
from .convert import cell_in, cell_out, holder_of, made_cell
from .layouts import listed, numbers
from .numbered import count_of
from .table import TABLE, Counterpart, counterpart, rows_of, shown
from .tensorflow1_scopes import Tree, entered, flat, only_scope, place_of

LIBRARY = "TensorFlow 1"
PROJECTION = {"kernel": "projection_kernel", "bias": "projection_bias"}
WRAPPERS = {  # their scopes, and their own variables there
    EmbeddingWrapper: ("embedding_wrapper", {"embedding": "embedding"}),
    InputProjectionWrapper: ("input_projection_wrapper", PROJECTION),
    OutputProjectionWrapper: ("output_projection_wrapper", PROJECTION),
    HighwayWrapper: ("", {"carry_w": "carry_kernel", "carry_b": "carry_bias"}),
}
OTHER_SCOPES = {  # of cells that share the names of another one
    "GRUBlockCell": "gru_cell",
    "GRUBlockCellV2": "gru_cell",
    "LSTMBlockCell": "lstm_cell",
    "LSTMBlockFusedCell": "lstm_fused_cell",
}


class Composite(NamedTuple):
    """A cell made of others: its scope, {its own variables there: our parameters}, and its parts.

    A part is (its scope, the prefix of its parameters, the cell); one without a scope shares that of the whole.
    """

    scope: str
    own: dict[str, str]
    parts: list[tuple[str, str, RNNCell]]


def composite(caller: str, cell: Any) -> Composite:
    """Describe a cell made of others, or raise `InputError` if it has no counterpart."""
    if isinstance(cell, Bidirectional):
        sides = zip(("fw", "bw"), directions(cell), strict=True)
        return Composite("bidirectional_rnn", {}, [(scope, prefix, part) for scope, (prefix, part) in sides])
    if isinstance(cell, MultiRNNCell):
        scope = "stack_bidirectional_rnn" if reads_both_ways(cell) else "multi_rnn_cell"
        parts = enumerate(levels(caller, cell))
        return Composite(scope, {}, [(f"cell_{i}", prefix, part) for i, (prefix, part) in parts])
    if isinstance(cell, BidirectionalGridLSTMCell):
        grid: RNNCell = cell.grid
        return Composite("bidirectional_grid_lstm_cell", {}, [("fwd", "forward/", grid), ("bwd", "backward/", grid)])
    if type(cell) in WRAPPERS:
        return Composite(*WRAPPERS[type(cell)], [("", "cell/", cell.cell)])
    raise InputError(f"{caller}: {LIBRARY} has no counterpart of {shown(cell)}")


def has_row(cell: RNNCell) -> bool:
    """Say whether the table has to have a row for the cell, which is not made of others there."""
    return isinstance(cell, Cell) or bool(rows_of(LIBRARY, cell))


def reads_both_ways(cell: RNNCell) -> bool:
    """Say whether the outermost cell, or the first of a stack, reads in both directions."""
    cell = inner(cell)
    return isinstance(inner(cell.cells[0]) if isinstance(cell, MultiRNNCell) else cell, Bidirectional)


def variables_out(caller: str, cell: RNNCell, params: Arrays) -> Arrays:
    """Return the variables of a cell by name; the parameters are checked already."""
    cell, left = inner(cell), dict(params)
    if has_row(cell):
        row = counterpart(caller, LIBRARY, cell)
        return prefixed(f"{scope_of(row)}/", cell_out(caller, row, cell, left))
    scope, own, parts = composite(caller, cell)
    found = {name: left.pop(ours).copy() for name, ours in own.items()}
    for place, prefix, part in parts:
        variables = variables_out(caller, part, taken(prefix, left))
        if isinstance(cell, BidirectionalGridLSTMCell):  # whose directions are no cells there
            variables = {name.partition("/")[2]: array for name, array in variables.items()}
        found |= prefixed(f"{place}/" if place else "", variables)
    return prefixed(f"{scope}/" if scope else "", found)


def params_in(caller: str, cell: RNNCell, tree: Tree, path: str = "") -> Arrays:
    """Return the parameters of a cell out of the variables of a scope."""
    cell = inner(cell)
    if has_row(cell):
        return plain_in(caller, cell, tree, path)
    _, own, parts = composite(caller, cell)
    scopes = {scope for scope, _, _ in parts if scope}
    tree, path = entered(caller, tree, path, {*own, *scopes}, all_of_it=bool(scopes))
    params = {ours: numbers(caller, path + name, tree[name]).copy() for name, ours in own.items()}
    for scope, prefix, part in parts:
        inside = tree[scope] if scope else {name: value for name, value in tree.items() if name not in own}
        params |= prefixed(prefix, params_in(caller, part, inside, f"{path}{scope}/" if scope else path))
    return params


def plain_in(caller: str, cell: Any, tree: Tree, path: str) -> Arrays:
    """Return the parameters of a plain cell out of the variables of a scope."""
    row = counterpart(caller, LIBRARY, cell)
    holder, named = holder_of(cell, count_of(cell)), {}
    for other in reversed(rows_of(LIBRARY, cell)):  # of rows with the same names the first one, which has more options
        names = holder.theirs(other).keys()
        named |= {frozenset({*names, *other.unused}): other, frozenset(names): other}
    while frozenset(flat(tree)) not in named and (inside := only_scope(tree)):
        path, tree = f"{path}{inside[0]}/", inside[1]
    arrays = {name: numbers(caller, path + name, value) for name, value in flat(tree).items()}
    row = named.get(frozenset(arrays), row)
    left_out = set(row.unused) - holder.theirs(row).keys()
    return cell_in(caller, row, cell, {n: a for n, a in arrays.items() if n not in left_out}, place_of(path))


def found_cell(caller: str, tree: Tree, forget_bias: float, path: str = "") -> RNNCell:
    """Make the cell that belongs to the variables of a scope, or raise `InputError` if their names do not say which."""
    scope = re.sub(r"_\d+$", "", path.rstrip("/").rpartition("/")[2])
    below = lambda name: found_cell(caller, tree[name], forget_bias, f"{path}{name}/")  # noqa: E731
    arrays = {name: numbers(caller, path + name, value) for name, value in flat(tree).items()}
    for row in TABLE:
        if row.library != LIBRARY or scope_of(row) != scope:
            continue
        if row.cells == (GridLSTMCell,):
            raise InputError(f"{caller}: expected a cell, as the variables of a {row.name} do not say its options")
        if row.cells == (GLSTMCell,):
            return found_groups(caller, arrays, forget_bias, place_of(path))
        if arrays.keys() <= row.layouts.keys():
            (added,) = row.options.get("forget_bias", (forget_bias,))
            options = {"forget_bias": added} if hasattr(row.cells[0], "forget_bias") else {}
            return made_cell(caller, row, arrays, **options, **row.made)
    if "cell_0" in tree:
        return MultiRNNCell([below(f"cell_{i}") for i in range(len(tree)) if f"cell_{i}" in tree])
    if tree.keys() == {"fw", "bw"}:
        return Bidirectional(below("fw"), below("bw"))
    for kind, (name, own) in WRAPPERS.items():
        if own.keys() <= tree.keys() and scope == (name or scope) and len(tree) > len(own):
            return wrapped(caller, kind, tree, own, forget_bias, path)
    if inside := only_scope(tree):
        return below(inside[0])
    got = f"{listed(tree)}{place_of(path)}"
    raise InputError(f"{caller}: expected scopes such as rnn/basic_lstm_cell, or a cell, got {got}")


def found_groups(caller: str, arrays: Arrays, forget_bias: float, place: str) -> GLSTMCell:
    """Make the `GLSTMCell` that belongs to variables."""
    groups = sum(name.startswith("group") for name in arrays)
    if not groups or "bias_i" not in arrays:
        raise InputError(f"{caller}: expected group0/kernel, bias_i ...{place}, got {listed(arrays)}")
    projection = arrays.get("projection/kernel")
    num_proj = None if projection is None else projection.shape[-1]
    return GLSTMCell(arrays["bias_i"].size, number_of_groups=groups, num_proj=num_proj, forget_bias=forget_bias)


def wrapped(caller: str, kind: Any, tree: Tree, own: dict[str, str], forget_bias: float, path: str) -> RNNCell:
    """Make a wrapper with variables, around the cell of the scope beside them."""
    first, *_ = (numbers(caller, path + name, tree[name]) for name in own)
    if first.ndim != 2:
        raise InputError(f"{caller}: expected a matrix {path}{next(iter(own))}, got shape {first.shape}")
    rest = {name: value for name, value in tree.items() if name not in own}
    sizes = {EmbeddingWrapper: first.shape, HighwayWrapper: ()}.get(kind, first.shape[1:])
    return kind(found_cell(caller, rest, forget_bias, path), *sizes)


def scope_of(row: Counterpart) -> str:
    """Return the name that TensorFlow gives the scope of a cell: BasicLSTMCell -> basic_lstm_cell."""
    return OTHER_SCOPES.get(row.name) or re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", row.name).lower()
