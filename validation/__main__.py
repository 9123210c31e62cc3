"""python -m validation [--quick] [--cell NAME] [--device DEVICE] [--jobs N] [--json FILE]

The exit code is 1 if anything failed.
"""

import argparse
import sys
from importlib import import_module

from numba import config

from numbarnn.errors import InputError

from . import coverage, report, suite
from .catalogue import cells


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m validation", description="Every value and gradient against its reference."
    )
    parser.add_argument(
        "--quick", action="store_true", help="few shapes; options on the NumPy engine alone, which compiles nothing"
    )
    parser.add_argument(
        "--cell", choices=sorted(cells()), help="only this cell (default: all, and the vector functions)"
    )
    parser.add_argument(
        "--device",
        choices=("cpu", "numpy", "njit", "cuda"),
        default="numpy" if config.DISABLE_JIT else "cpu",
        help="engine to check",
    )
    parser.add_argument("--jobs", type=int, default=1, choices=range(1, 257), metavar="N", help="processes; default 1")
    parser.add_argument("--json", metavar="FILE", help="write all results there")
    options = parser.parse_args(arguments)
    if options.device == "cuda":
        check_gpu(parser)

    progress = report.Progress()
    names = [options.cell] if options.cell else list(cells())
    results = suite.run([options.cell] if options.cell else None, options.quick, options.device, progress, options.jobs)
    progress.end()
    proofs = coverage.proofs(names, options.quick)
    print(coverage.table(proofs), report.table(results), sep="\n\n")
    if waiting := coverage.without_cell():
        print(f"References without a cell: {', '.join(waiting)}")
    failed = sum(not r.ok for r in results)
    if failed:
        print(report.failures(results))
    print(f"{len(results) - failed} passed, {failed} failed")
    if options.json:
        report.write_json(options.json, results, proofs)
    return 1 if failed else 0


def check_gpu(parser):
    """Ends the program with a sentence where there is no GPU, nor Numba's simulator of one."""
    try:
        import_module("numbarnn.engines.cuda.target").require_gpu()
    except InputError as error:
        parser.error(str(error))


if __name__ == "__main__":
    sys.exit(main())
