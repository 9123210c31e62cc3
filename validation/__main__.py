"""python -m validation [--quick] [--cell NAMES] [--check NAMES] [--jobs N] [--json FILE] ... (--help)

The exit code is 1 if anything failed.
"""

import argparse
import json
import sys
import time
from importlib import import_module
from pathlib import Path

from numba import config

from numbarnn.errors import InputError

from . import catalogue, coverage, peers, since, suite, unrolling
from .cases import Shape
from .checkout import PROGRAM, ROOT
from .compare import DTYPES
from .mutation import planted
from .mutation import run as mutants
from .report import record, text
from .selection import DEFAULT, Selection

ALL = "all"
DEVICES = ("cpu", "numpy", "njit", "cuda")


def main(arguments=None):
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = parser_of_arguments()
    options = parser.parse_args(arguments)
    if options.records:
        if not options.html:
            parser.error("--from needs --html FILE, the page to write")
        write(options, [json.loads(Path(file).read_text()) for file in options.records])
        return 0
    if ROOT is None and (options.mutate or options.since):
        parser.error("--mutate and --since need a checkout of the project")
    if options.mutate:
        return mutation(parser, options, arguments)
    if "cuda" in options.device:
        check_gpu(parser)
    chosen = selection(options)
    if options.since:
        try:
            files = since.changed(options.since)
        except ValueError as error:
            parser.error(str(error))
        chosen = since.reached(chosen, files, suite.CHECKS)
        if chosen is None:
            print(f"{len(files)} files differ from {options.since}; none is behind a result of the suite")
            return 0

    started, progress = time.monotonic(), text.Progress()
    results = suite.run(chosen, progress, options.jobs, options.first)
    progress.end()
    if not results:
        parser.error("no case is like that: see the cells, options and shapes in docs/validation.md")
    proofs = coverage.proofs(chosen.names(catalogue.cells()), chosen.quick)
    if chosen.seeds:
        print(text.comparisons(results))
    else:
        print(coverage.table(proofs), text.table(results), sep="\n\n")
    for name in options.peers:
        if lacking := peers.missing(name):
            print(f"Not run: {peers.peer(name).NAME}, which needs {' and '.join(lacking)}")
    if waiting := coverage.without_cell():
        print(f"References without a cell: {', '.join(waiting)}")
    failed = sum(not r.ok for r in results)
    if failed:
        print(text.failures(results, chosen.quick))
    print(f"{len(results) - failed} passed, {failed} failed")
    written = record.of(results, proofs, arguments, time.monotonic() - started, chosen.quick)
    write(options, [written])
    return 1 if failed else 0


def write(options, records):
    """Write the files that were asked for."""
    if options.json:
        record.write(options.json, records[0])
    if options.html:
        import_module(".report.page", __package__).write(options.html, records)


def mutation(parser, options, arguments):
    """Plant errors, and see whether the suite finds each; the exit code is 1 if it misses one."""
    started, names = time.monotonic(), options.mutate.split(",")
    chosen = [m for m in planted.MUTANTS if options.mutate == ALL or m.name in names]
    if missing := set(names) - {ALL, *(m.name for m in chosen)}:
        parser.error(f"no planted errors {', '.join(sorted(missing))}; there are {', '.join(planted.BY_NAME)}")
    lacking = {package for mutant in chosen for peer in mutant.peers for package in peers.missing(peer)}
    if lacking:
        possible = [m for m in chosen if not any(map(peers.missing, m.peers))]
        print(f"Not planted: {len(chosen) - len(possible)} errors, whose cases need {' and '.join(sorted(lacking))}")
        chosen = possible
    outcomes = mutants.run(chosen, options.jobs, lambda outcome: print(text.outcome(outcome), flush=True))
    caught = sum(outcome.caught for outcome in outcomes)
    print(f"{caught} of {len(outcomes)} planted errors caught")
    for change in planted.EQUIVALENT if options.mutate == ALL else ():
        print(f"no error: {change.file}: {change.new!r} for {change.old!r}: {change.why}")
    write(options, [record.of_mutants(outcomes, arguments, time.monotonic() - started)])
    return 0 if caught == len(outcomes) else 1


def parser_of_arguments():
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Every value and gradient against its reference. Lists are separated by commas.",
    )
    parser.add_argument(
        "--quick", action="store_true", help="few shapes; options on the NumPy engine alone, which compiles nothing"
    )
    names = sorted([*catalogue.cells(), *unrolling.exported()])
    known_options = {option for cell in catalogue.cells() for option in catalogue.options(cell)}
    named = {"metavar": "NAMES", "default": ()}
    parser.add_argument("--check", type=among(suite.CHECKS), **named, help=f"of {', '.join(suite.CHECKS)}")
    parser.add_argument("--cell", type=among(names), **named, help="cells and unrolling functions")
    parser.add_argument(
        "--option",
        type=among({DEFAULT, *known_options}, key=lambda word: word.partition("=")[0]),
        **named,
        help=f"cases with one of these options (cell_clip, activation=relu), or with none ({DEFAULT})",
    )
    parser.add_argument("--dtype", type=among(DTYPES), metavar="NAMES", default=DTYPES, help=" or ".join(DTYPES))
    parser.add_argument(
        "--device",
        type=among(DEVICES),
        metavar="NAMES",
        default=("numpy" if config.DISABLE_JIT else "cpu",),
        help=f"engines to check, of {', '.join(DEVICES)}",
    )
    parser.add_argument(
        "--shape", type=shapes, default=(), metavar="SHAPES", help="steps x rows x inputs x units, such as 5x3x4x7"
    )
    parser.add_argument(
        "--case", type=seeds, default=(), metavar="SEEDS", help="by their seeds; prints every comparison"
    )
    parser.add_argument(
        "--peers",
        type=peer_names,
        default=(),
        metavar="NAMES",
        help=f"run other libraries on the same cases: {', '.join(peers.FILES)}, or all that are installed",
    )
    parser.add_argument(
        "--mutate",
        nargs="?",
        const=ALL,
        metavar="NAMES",
        help="instead: plant errors (default: all) in copies of the package, and see whether they are found",
    )
    parser.add_argument("--jobs", type=int, default=1, choices=range(1, 257), metavar="N", help="processes; default 1")
    parser.add_argument("--since", metavar="COMMIT", help="only what the changes since then can reach")
    parser.add_argument("--first", action="store_true", help="stop after the first cases that fail")
    parser.add_argument("--json", metavar="FILE", help="write all results there")
    parser.add_argument("--html", metavar="FILE", help="write a page to read there")
    parser.add_argument(
        "--from",
        dest="records",
        type=lambda words: words.split(","),
        metavar="FILES",
        help="instead of running: the page of what --json has written, of the suite and of planted errors",
    )
    return parser


def selection(options):
    """The `Selection` of the command's options."""
    return Selection(
        quick=options.quick,
        checks=options.check,
        cells=options.cell,
        options=options.option,
        dtypes=options.dtype,
        devices=options.device,
        shapes=options.shape,
        seeds=options.case,
        peers=options.peers,
    )


def among(names, key=lambda word: word):
    """A parser of a list of these names."""

    def parse(words):
        found = tuple(words.split(","))
        for word in found:
            if key(word) not in names:
                raise argparse.ArgumentTypeError(f"expected some of {', '.join(sorted(names))}, got {word!r}")
        return found

    return parse


def peer_names(words):
    return tuple(peers.FILES) if words == "all" else among({*peers.FILES, "all"})(words)


def shapes(words):
    try:
        return tuple(Shape(*map(int, word.split("x"))) for word in words.split(","))
    except (TypeError, ValueError):
        raise argparse.ArgumentTypeError(f"expected shapes like 5x3x4x7, got {words!r}") from None


def seeds(words):
    if not all(word.isdecimal() for word in words.split(",")):
        raise argparse.ArgumentTypeError(f"expected numbers of cases, got {words!r}")
    return tuple(map(int, words.split(",")))


def check_gpu(parser):
    """Ends the program with a sentence where there is no GPU, nor Numba's simulator of one."""
    try:
        import_module("numbarnn.engines.cuda.target").require_gpu()
    except InputError as error:
        parser.error(str(error))


if __name__ == "__main__":
    sys.exit(main())
