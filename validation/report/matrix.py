"""The matrix of cells and options, and for each of them the worst error of every quantity with its case."""

from math import isfinite

from .. import references
from ..compare import DTYPES
from ..node import shown
from .html import LEGEND, code, element, folded, level, short, table, text
from .record import command
from .text import place

DEFAULT, SEVERAL = "default", "several"


def sections(runs):
    """The overview, and a folded part for each cell; `runs` are pairs (results, whether of a quick run)."""
    of_cells = {}
    for results, quick in runs:
        for r in results:
            if is_ours(r):
                of_cells.setdefault(r.cell, []).append((r, quick))
    of_cells = {cell: by_option(pairs) for cell, pairs in sorted(of_cells.items())}
    return [LEGEND, overview(of_cells), *(part(cell, rows) for cell, rows in of_cells.items())]


def by_option(pairs):
    """{option: its results}, the default first and several options at once last."""
    always, rows = set.intersection(*(set(r.options) for r, _ in pairs)), {}
    for r, quick in pairs:
        rows.setdefault(option_of(r, always), []).append((r, quick))
    return dict(sorted(rows.items(), key=lambda row: (row[0] != DEFAULT, row[0] == SEVERAL, row[0])))


def is_ours(result):
    """Whether it holds values of numbarnn's cells to a bound: not those of a reference, another program or a function
    of vectors, nor the bias of truncation."""
    ours = result.program == "numbarnn" and result.check not in ("references", "vectors")
    return ours and isfinite(result.bound)


def option_of(result, always):
    """The one option that a result is about, besides those that the cell always has; `DEFAULT` or `SEVERAL`."""
    names = result.options.keys() - always
    needed = getattr(references.load().get(result.cell), "REQUIRES", {})
    alone = [name for name in names if names <= {name, *needed.get(name, ())}]
    return DEFAULT if not names else alone[0] if alone else SEVERAL


def worst(rows, key):
    """{key of a result: (result, quick), the one nearest to its bound}."""
    found = {}
    for pair in rows:
        name = key(pair[0])
        if name not in found or pair[0].fraction > found[name][0].fraction:
            found[name] = pair
    return found


def overview(of_cells):
    """A square for each cell and option: the worst of all its errors."""
    options = sorted({option for rows in of_cells.values() for option in rows} - {DEFAULT, SEVERAL})
    columns = [DEFAULT, *options, SEVERAL]
    head = ["", *(element("span", text(option), class_="turned") for option in columns)]
    lines = []
    for cell, rows in of_cells.items():
        squares = [square(cell, option, rows[option]) if option in rows else "<td></td>" for option in columns]
        lines.append([f'<th scope="row"><a href="#{cell}">{text(cell)}</a></th>', *squares])
    return table(head, lines, class_="overview")


def square(cell, option, rows):
    result, _ = max(rows, key=lambda pair: pair[0].fraction)
    name = level(result.fraction)
    words = f"{cell}, {option}: {len(rows)} comparisons, worst {short(result.error)} of {short(result.bound)}"
    inside = "✗" if name == "bad" else f'<span class="hidden">{text(words)}</span>'
    return f'<td class="{name}" title="{text(words)}"><a href="#{cell}">{inside}</a></td>'


def part(cell, rows):
    """The tables of a cell, and the cases that they name."""
    flat = [pair for of_option in rows.values() for pair in of_option]
    named, tables = {}, []
    for dtype in DTYPES:
        of_dtype = {option: [p for p in pairs if p[0].dtype == dtype] for option, pairs in rows.items()}
        tables.append(errors_of(cell, dtype, of_dtype, named))
    failed = sum(not result.ok for result, _ in flat)
    title = f"{text(cell)}: {len(flat):,} comparisons, {failed or 'none'} failed"
    return folded(title, *tables, cases(cell, named), id=cell)


def errors_of(cell, dtype, rows, named):
    """One row for each option, one column for each quantity and gate."""
    found = {option: worst(pairs, column) for option, pairs in rows.items() if pairs}
    columns = sorted({name for entries in found.values() for name in entries}, key=order)
    lines = []
    for option, entries in found.items():
        values = [entry(cell, entries[name], named) if name in entries else "<td></td>" for name in columns]
        lines.append([f'<th scope="row">{text(option)}</th>', *values])
    return table([dtype, *map(heading, columns)], lines) if lines else ""


def column(result):
    """(kind, quantity, gate) of the column that a result belongs to: all values of a run are "forward"."""
    if result.quantity == "gates":
        return 1, "gate", result.gate
    if not result.quantity.startswith("d_"):
        return 0, "forward" if result.error < float("inf") else "not run", None
    quantity = result.quantity.partition(".")[0]
    return 2 + (result.gate is not None), quantity, result.gate


def order(name):
    kind, quantity, gate = name
    return kind, quantity, gate or ""


def heading(name):
    _, quantity, gate = name
    return text(quantity) + (f" {element('b', text(gate))}" if gate else "")


def entry(cell, pair, named):
    """An error with a link to its case."""
    result, _ = pair
    key = result.check, result.seed, result.device, result.against
    mark = f"{cell}.{result.seed or 0}"
    named.setdefault(key, (pair, mark))
    return f'<td class="{level(result.fraction)}"><a href="#{mark}">{short(result.error)}</a></td>'


def cases(cell, named):
    """The cases behind the errors, each with the command that repeats it."""
    seen, lines = set(), []
    for (result, quick), mark in named.values():
        anchor = {} if mark in seen else {"id": mark}
        seen.add(mark)
        about = {k: v for k, v in result.shape.items() if k != "cotangent"} | result.options
        words = " ".join(k if v is True else f"{k}={shown(v)}" for k, v in about.items())
        lines.append(
            [
                element("td", text(result.seed or ""), **anchor),
                text(words),
                text(f"{result.check}, {result.device}, against {result.against}"),
                code(command(result, quick).replace(f" --dtype {result.dtype}", "")),
            ]
        )
    return folded(
        "the cases, and how to repeat each", table(["case", "shape, call, options", "check", "command"], lines)
    )


def failure(result, quick):
    """A failed comparison in a list."""
    words = f"{result.cell} {result.dtype} on {result.device} against {result.against}: {place(result)}: "
    return element("li", text(f"{words}{result.error:.3g}, bound {result.bound:.3g} "), code(command(result, quick)))
