"""The page: one file without scripts or pictures from elsewhere."""

from collections import Counter
from dataclasses import fields

from numbarnn.runtime.whole_file import whole_file

from ..checkout import PROGRAM
from ..compare import Result
from . import figures, matrix
from .html import code, element, folded, section, table, text
from .order import from_cause
from .style import SCRIPT, STYLE

MOST = 50  # failures in full


def write(path, records):
    """Write the page of these records: of runs of the suite, and of mutation checks."""
    with whole_file(path) as file:
        file.write(page(records).encode())


def page(records):
    suites, mutations = ([r for r in records if key in r] for key in ("cases", "mutants"))
    runs = [([result_of(case) for case in record["cases"]], record["quick"]) for record in suites]
    title = "numbarnn: validation report"
    head = element("head", '<meta charset="utf-8">', VIEWPORT, element("title", title), element("style", STYLE))
    parts = [
        element("h1", title),
        verdict(suites, mutations),
        facts(records),
        *failed(runs),
        section(
            "Cells and options",
            PROOFS,
            *matrix.sections(runs),
        ),
        section("The references", REFERENCES, references(runs)),
        section("Error and length", TRUTHS, figures.against_steps(runs)),
        *(section("float32 beside PyTorch", PEERS, plots) for plots in [figures.beside_peers(runs)] if plots),
        section("exp, tanh, sigmoid", VECTORS, figures.ulps()),
        section("Truncated BPTT", TRUNCATION, identities(runs), figures.bias(runs)),
        *(section("Planted errors", mutation(record)) for record in mutations),
        section("How to repeat a line", REPEAT),
    ]
    body = element("body", element("main", *parts), element("script", SCRIPT))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">'
PROOFS = element(
    "p",
    "Every output, state, gate and gradient of numbarnn is compared with independent references: written from the "
    "papers, differentiated by autograd, and themselves checked by central differences. Errors are relative to the "
    "largest entry of the quantity. A square is the worst of all comparisons of a cell with one option; behind it are "
    "the errors of values, of each parameter and of each gate, each with a link to its case.",
)
REFERENCES = element(
    "p",
    "The gradients of the references themselves, by autograd, against central differences along random directions.",
)
TRUTHS = element(
    "p",
    "Sequences of 1 to 1,000 steps, in float64 gate by gate (the blocks of a gate in all parameters), and in float32 "
    "beside the errors of other libraries, all against the references in float64. ",
    code(f"{PROGRAM} --check long --peers all --cell LSTMCell --json FILE"),
    " repeats the points of a cell.",
)
PEERS = element(
    "p",
    "The error of float32 of both libraries on the same cases, against the truth in float64: their worst over some "
    "draws, ours in one. Ours may be twice as large; a point beyond that is averaged over 32 draws. ",
    code(f"{PROGRAM} --check cells --dtype float32 --cell LSTMCell --json FILE"),
    " repeats the points of a cell.",
)
VECTORS = element(
    "p",
    "The worst of 2,000 arguments in each of 80 intervals, against extended precision, measured when this page was "
    "written. ",
    code(f"{PROGRAM} --check vectors --json FILE"),
    " holds more arguments to the bound.",
)
TRUNCATION = element(
    "p",
    "Windows that reach back to the first step must give the gradient of full BPTT. Shorter ones are biased: the "
    "curves show how far all parameters together are from the gradient that real-time recurrent learning finds going "
    "forwards, for fresh parameters, 64 steps, losses at every step and a pass after each (k1 = 1). Where the window "
    "holds all 64 steps, the two must agree to 1e-11. ",
    code(f"{PROGRAM} --check truncation --cell LSTMCell --json FILE"),
    " repeats a curve.",
)
REPEAT = element(
    "p",
    "From a checkout with ",
    code("pip install -e '.[dev]'"),
    ", each command of this page repeats its line: it draws the same numbers from the seed of the case, and prints "
    "every comparison. From an installed package, ",
    code("pip install 'numbarnn[validate]' && python -m numbarnn validate"),
    " runs the quick part; it takes the same options. ",
    code("python -m validation --html page.html"),
    " writes this page.",
)


def result_of(case):
    """The `Result` of a dictionary of a record, where no number is infinite."""
    values = {field.name: case[field.name] for field in fields(Result)}
    infinite = {name: float("inf") for name in ("error", "bound") if values[name] is None}
    return Result(**values | infinite)


def verdict(suites, mutations):
    passed, wrong = (sum(record[key] for record in suites) for key in ("passed", "failed"))
    words = (
        f"All {passed:,} comparisons passed." if not wrong else f"{wrong:,} of {passed + wrong:,} comparisons FAILED."
    )
    for record in mutations:
        words += f" {record['caught']} of {record['caught'] + record['missed']} planted errors were found."
    missed = wrong or sum(record["missed"] for record in mutations)
    return element("p", ("✗ " if missed else "✓ ") + words, class_="verdict bad" if missed else "verdict good")


def facts(records):
    """What was run, when and on what; versions are folded."""
    rows = [
        [code(r["command"]), text(r["commit"] or "not from a checkout"), text(r["date"]), f"{r['seconds']:,.0f} s"]
        for r in records
    ]
    environment = {name: value for r in records for name, value in r["environment"].items()}
    versions = [[text(name), text(value)] for name, value in environment.items()]
    return table(["command", "commit", "date", "time"], rows) + element(
        "details", element("summary", "environment"), table(["what", "version"], versions)
    )


def failed(runs):
    """The failures nearest to their cause first, and how many more there are."""
    pairs = [(r, quick) for results, quick in runs for r in results if not r.ok]
    pairs.sort(key=lambda pair: from_cause(pair[0]))
    if not pairs:
        return
    more = element("p", f"... and {len(pairs) - MOST:,} more; the JSON file has all.") if len(pairs) > MOST else ""
    yield section("What failed", element("ol", *(matrix.failure(*pair) for pair in pairs[:MOST])), more)


def of_check(runs, name):
    """The results of a check as pairs (result, whether of a quick run)."""
    return [(r, quick) for results, quick in runs for r in results if r.check == name]


def references(runs):
    """The worst error of each reference."""
    pairs = of_check(runs, "references")
    count = Counter(r.cell for r, _ in pairs)
    lines = [
        [
            text(cell),
            str(count[cell]),
            f"{r.error:.1e}",
            f"{r.bound:.0e}",
            text(r.quantity),
            code(f"{PROGRAM} {'--quick ' * quick}--check references --cell {cell}"),
        ]
        for cell, (r, quick) in sorted(matrix.worst(pairs, lambda r: r.cell).items())
    ]
    return folded(
        f"{len(pairs):,} derivatives of {len(count)} references",
        table(["reference of", "derivatives", "worst error", "bound", "of", "command"], lines),
    )


def identities(runs):
    """The worst error of each identity of truncated BPTT."""
    of_identities = [(r, quick) for r, quick in of_check(runs, "truncation") if "identity" in r.shape]
    found = matrix.worst(of_identities, lambda r: (r.shape["identity"], r.dtype))
    lines = [
        [
            text(f"{r.shape['identity']}: truncate={tuple(r.shape['truncate'])}, loss_scope={r.shape['loss_scope']!r}"),
            text(r.against),
            text(r.dtype),
            f"{r.error:.1e}" if r.error else "0: the same bits",
            f"{r.bound:.0e}",
            text(r.cell),
            code(matrix.command(r, quick)),
        ]
        for r, quick in found.values()
    ]
    return table(["gradient", "equals that of", "dtype", "worst error", "bound", "cell", "command"], lines)


def mutation(record):
    """The planted errors, who found each and after how long; and changes that no check can see."""
    lines = []
    for outcome in record["mutants"]:
        mutant, by = outcome["mutant"], outcome["by"]
        lines.append(
            [
                element("td", "✓" if outcome["caught"] else "✗", class_="" if outcome["caught"] else "bad"),
                text(mutant["area"]),
                f"{text(mutant['file'])}: {change(mutant)}",
                text(found_by(by)),
                f"{outcome['seconds']:.0f} s",
                code(f"{PROGRAM} --mutate {mutant['name']}"),
            ]
        )
    head = ["", "area", "error", "found by, nearest to the cause", "after", "command"]
    same = [[text(c["file"]), change(c), text(c["why"])] for c in record["equivalent"]]
    return table(head, lines) + element("h3", "Changes that change no result") + table(["file", "change", "why"], same)


def change(mutant):
    """The text before and after."""
    return f"{code(mutant['old'], class_='part')} → {code(mutant['new'], class_='part')}"


def found_by(by):
    if not isinstance(by, dict):
        return by or "nobody"
    gate = f" of {by['gate']}" if by["gate"] else ""
    steps = f", T = {by['shape']['T']}" if "T" in by["shape"] else ""
    return f"{by['check']}: {by['cell']}, {by['quantity']}{gate} against {by['against']}{steps}"
