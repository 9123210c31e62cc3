"""Runs cases and yields one `Result` per comparison."""

from dataclasses import fields

import numpy as np

from numbarnn.cells import CELLS
from numbarnn.maths import ACTIVATIONS

from . import activations, cases, measured, pytorch, references, truth, vector_functions
from .compare import Result, bound, errors
from .problem import draw

CENTRAL_DIFFERENCES = 1e-6  # bound
DTYPES = ("float64", "float32")


def run(names=None, quick=False, device="cpu", progress=lambda done, total, name: None):
    """Results of the cells of these names (default: all cells, and the vector functions of the CPU)."""
    chosen = list(CELLS) if names is None else names
    results = list(coverage(chosen))
    plan = {name: cases.cases_of(name, quick) for name in chosen if name in references.load()}
    total, done = sum(len(planned) for planned in plan.values()), 0
    for name, planned in plan.items():
        results += reference_results(name)
        for case in planned:
            progress(done, total, name)
            results += case_results(case, device)
            done += 1
    if names is None and device == "cpu":
        progress(done, total, "vector functions")
        results += vector_functions.results(quick)
    return results


def coverage(names):
    """A failure for each cell without a reference, and each option or activation that the references do not know."""
    found = references.load()
    for name in names:
        if name not in found:
            yield failure(name, "no reference: validation/references has no module for this cell")
            continue
        options = {f.name for f in fields(CELLS[name])} - {"units"}
        for option in sorted(options - found[name].OPTIONS.keys()):
            yield failure(name, f"its reference does not know the option {option}")
    for name in ACTIVATIONS.keys() - activations.ACTIVATIONS.keys():
        yield failure("activations", f"validation/activations.py has no {name}")


def failure(cell, message, options=None, dtype="float64", device="reference", shape=None):
    """A comparison that could not be made; the message stands in the place of the quantity."""
    return Result(cell, options or {}, dtype, device, shape or {}, "autograd", message, None, np.inf, 0.0)


def case_results(case, device):
    """numbarnn in float64 and float32 against the reference."""
    problem = draw(case)
    true = truth.values(problem)
    for dtype in DTYPES:
        try:
            values = measured.values(problem.as_type(dtype), device)
        except Exception as error:
            yield failure(case.cell, f"{type(error).__name__}: {error}", case.options, dtype, device, case.described)
            continue
        yardstick = pytorch.largest_errors(case) if dtype == "float32" and pytorch.has(case) else {}
        for group in true:
            kind, cotangent = ("forward", {}) if group == "forward" else ("gradient", {"cotangent": group})
            for (quantity, gate), error in errors(values[group], true[group]).items():
                where = (case.cell, case.options, dtype, device, case.described | cotangent)
                yield Result(*where, "autograd", quantity, gate, error, bound(dtype, kind, quantity, yardstick))


def reference_results(name):
    """Autograd of the reference against central differences, for the default and each option alone."""
    call = cases.Call(initial_state=True, masking="mask")
    for options in [{}, *cases.options_alone(references.load()[name])]:
        case = cases.Case(name, options, cases.SMALL, call)
        found = truth.central_difference_errors(draw(case, margin=1e-3), np.random.default_rng(case.seed))
        for quantity, error in found.items():
            where = (name, options, "float64", "reference", case.described)
            yield Result(*where, "central differences", quantity, None, error, CENTRAL_DIFFERENCES)
